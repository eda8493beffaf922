"""The training flow: thin Metaflow steps over `goldspan.training.stages`.

Run it with `goldspan train`, or as a script with Metaflow's own commands:

    python training/flow.py run --inputs inputs.tar.gz
    python training/flow.py --datastore s3 --with kubernetes run --inputs inputs.tar.gz
    python training/flow.py resume

Steps may run on different machines: what they write travels as artifacts. Where the run's folder is there
(`--run-folder`), it holds all files instead, and an interrupted step goes on from its checkpoints.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

os.environ.setdefault("METAFLOW_USER", "goldspan")

from metaflow import FlowSpec, IncludeFile, Parameter, card, current, step

from goldspan.annotation.errors import StateError
from goldspan.annotation.processes import end_with_parent
from goldspan.training import stages
from goldspan.training.inputs import unpack_inputs
from goldspan.training.runs import LAUNCHED, MARK, RUNNING, STEPS, TrainingRun

Files = dict[str, bytes]
_FOLDERS = ("trained", "quantized", "evaluation")
_FILES = ("training.json", "model.onnx", "quantized.sig", "quantized.pub")


class TrainingFlow(FlowSpec):
    """Train a token classifier: from a frozen bundle to a signed model directory."""

    inputs = IncludeFile("inputs", is_text=False, required=True, help="The archive that `goldspan train --pack` writes")
    run_folder = Parameter("run-folder", default="", help="A local folder for checkpoints and results")
    model_name = Parameter("model-name", default="model", help="The model's name")
    previous = Parameter("previous", default="", help="A model directory to compare with, if it is on this machine")
    signing_key = Parameter("signing-key", default="", help="A private key (PEM) on the machine of the sign step")

    @step
    def start(self) -> None:
        """Take the inputs."""
        self.archive = self.inputs
        self.files: Files = {}
        self.kept = False
        TrainingRun(Path(str(self.run_folder) or "/nonexistent")).update_state(
            {"flow_run": current.run_id, "status": RUNNING}
        )
        self.next(self.export)

    @step
    def export(self) -> None:
        """Pull from Label Studio and freeze a bundle, if the settings ask for it."""
        with tempfile.TemporaryDirectory() as folder:
            inputs = unpack_inputs(self.archive, Path(folder))
            local = Path(str(self.run_folder)).absolute()
            exported = stages.export_samples(inputs, local.parents[1] if self.run_folder and local.is_dir() else None)
            if exported is not None:
                from goldspan.training.inputs import pack_inputs

                labels = Path(folder) / "labels.toml"
                self.archive = pack_inputs(exported, labels, inputs.config, inputs.external)
        self.next(self.preprocess)

    @step
    def preprocess(self) -> None:
        """Check the splits."""
        with self._work() as work:
            self.splits = stages.preprocess(work)
        self.next(self.train)

    @step
    def train(self) -> None:
        """Train."""
        with self._work() as work:
            self.record = stages.train(work)
        self.next(self.evaluate)

    @step
    def evaluate(self) -> None:
        """Evaluate on the test split and on external gold."""
        with self._work() as work:
            previous = Path(str(self.previous)) if self.previous else None
            self.rows = stages.evaluate(work, previous if previous and previous.is_dir() else None)
        self.next(self.quantise)

    @step
    def quantise(self) -> None:
        """Write the served folder."""
        with self._work() as work:
            self.manifest = stages.quantise(work)
        self.next(self.sign)

    @step
    def sign(self) -> None:
        """Sign it."""
        with self._work() as work:
            key = Path(str(self.signing_key)) if self.signing_key else None
            self.key = stages.sign(work, key)
        self.next(self.end)

    @card(type="blank")
    @step
    def end(self) -> None:
        """Draw the card."""
        from goldspan.training.cards import describe_run

        for component in describe_run(self.record, self.rows, self.manifest):
            current.card.append(component)
        TrainingRun(Path(str(self.run_folder) or "/nonexistent")).update_state({"step": STEPS[-1]})

    @contextmanager
    def _work(self) -> Iterator[stages.Work]:
        """The work folder of a step: the run's own where it is there, else one unpacked from the artifacts."""
        with tempfile.TemporaryDirectory() as temporary:
            inputs = unpack_inputs(self.archive, Path(temporary) / "inputs")
            local = Path(str(self.run_folder)) if self.run_folder else None
            folder = local if local and local.is_dir() else Path(temporary) / "work"
            if self.kept and folder is not local and current.step_name != "train":
                raise StateError(
                    f"The step before {current.step_name} kept its files in {self.run_folder}, which is not on this "
                    "machine. Resume the run there, or start it without --run-folder."
                )
            self.kept = folder is local
            _unpack(self.files, folder)
            run = TrainingRun(folder)
            run.update_state({"step": current.step_name})
            yield stages.Work(inputs, run, str(self.model_name), _say)
            if folder is not local:
                self.files = _pack(folder)


def _say(message: str) -> None:
    print(f"{MARK}{message}", flush=True)  # noqa: T201


def _pack(folder: Path) -> Files:
    """Every file that later steps and the model directory need."""
    paths = [path for name in _FOLDERS for path in sorted((folder / name).rglob("*")) if path.is_file()]
    paths += [folder / name for name in _FILES if (folder / name).is_file()]
    return {str(path.relative_to(folder)): path.read_bytes() for path in paths}


def _unpack(files: Files, folder: Path) -> None:
    """Write what a step on another machine made; it is newer than what an earlier attempt left in the folder."""
    for name, data in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)


if __name__ == "__main__":
    if os.environ.get(LAUNCHED):
        end_with_parent()
    TrainingFlow()
