"""The steps of the demo; each runs the real thing and fails if its result is incomplete."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

from goldspan.annotation.corpus.inspection import inspect_files
from goldspan.annotation.errors import GoldspanError
from goldspan.annotation.labels.schema import LabelSchema
from goldspan.annotation.labelstudio.api.client import StudioClient
from goldspan.annotation.labelstudio.project.review import submit_review
from goldspan.annotation.labelstudio.pull.run import PullOptions, PullReport, pull_annotations
from goldspan.annotation.labelstudio.push.receipt import record_pushed
from goldspan.annotation.labelstudio.push.run import PushOptions, push_samples
from goldspan.annotation.labelstudio.server.start import ServerInfo, start_server, stop_server
from goldspan.annotation.tasks.store import read_samples
from goldspan.annotation.tasks.workspace import Workspace, find_workspace_project
from goldspan.cli.shared.console import err, say
from goldspan.dashboards.launch import DashboardProcess, start_dashboard
from goldspan.evaluation.people.acceptance import measure_acceptance
from goldspan.generators.runs.folder import begin_run
from goldspan.generators.runs.run import run_generation
from goldspan.generators.runs.settings import RunSettings
from goldspan.training.bundle.manifest import BundleSettings
from goldspan.training.bundle.public import freeze
from goldspan.training.gate.public import judge

TITLE = "Goldspan demo"
_REVIEWED = 9
"""Number of tasks the demo corrects."""


class DemoError(GoldspanError):
    """A step of the demo failed."""


def expect(condition: bool, message: str) -> None:
    """Raise DemoError unless the condition holds."""
    if not condition:
        raise DemoError(f"The demo failed: {message}")


class Demo:
    """One run of the demo; leaving the block stops what it started."""

    def __init__(
        self, workspace: Workspace, labels: LabelSchema, languages: Sequence[str], samples: int, seed: int
    ) -> None:
        self._workspace, self._labels = workspace, labels
        self._languages, self._samples, self._seed = tuple(languages), samples, seed
        self._client: StudioClient | None = None
        self._dashboard: DashboardProcess | None = None
        project = find_workspace_project(workspace)
        self.title = project.studio_project if project else TITLE
        self.project = 0
        self.sample_file = Path()
        self.reviewed_file = Path()

    def __enter__(self) -> Demo:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._dashboard:
            self._dashboard.stop()
        stop_server(self._workspace)

    @property
    def client(self) -> StudioClient:
        """Client of the running Label Studio."""
        if self._client is None:
            raise DemoError("The demo failed: Label Studio is not running.")
        return self._client

    def generate(self) -> None:
        """Generate samples offline."""
        settings = RunSettings("offline", self._samples, self._seed, self._languages)
        folder = begin_run(self._workspace, settings, self._labels, "demo")
        with err.status("1/7  Generating samples"):
            summary = run_generation(self._workspace, folder)
        self.sample_file = summary.samples
        written = summary.written.samples
        expect(
            written + summary.written.duplicates >= self._samples, f"{written} of {self._samples} samples were written."
        )
        say(f"1/7  Generated {written} samples in {', '.join(self._languages)} → {self.sample_file}")

    def check(self) -> None:
        """Check every sample."""
        report = inspect_files([self.sample_file], self._labels)
        expect(not report.refused and not report.errors, f"{report.refused} refused, {report.errors} errors.")
        say(f"2/7  Checked {report.samples} samples: no errors, {report.warnings} warnings.")

    def open_studio(self, port: int | None = None) -> ServerInfo:
        """Start Label Studio."""
        with err.status("3/7  Starting Label Studio") as status:
            server = start_server(self._workspace, port, progress=lambda line: status.update(f"3/7  {line}"))
        self._client = StudioClient(server.url, server.token)
        say(f"3/7  Label Studio is running at {server.url}")
        return server

    def push(self) -> None:
        """Push the samples with pre-annotations; push again and check that nothing changes."""
        samples = list(read_samples([self.sample_file], self._labels))
        with err.status("4/7  Pushing samples"):
            report = push_samples(self.client, samples, self._labels, PushOptions(self.title))
            again = push_samples(self.client, samples, self._labels, PushOptions(self.title))
        expect(report.project is not None and not report.refused, "samples were refused.")
        expect(
            report.created + report.unchanged == len(samples), f"{report.created} of {len(samples)} tasks were created."
        )
        expect(again.created == 0 and again.unchanged == len(samples), "a second push created tasks.")
        self.project = report.project or 0
        ids = [sample.sample_id for sample in samples]
        record_pushed(self._workspace, self.client.url, self.project, report.title, ids)
        say(f"4/7  Pushed {report.created} tasks to project {self.project}; a second push added none.")

    def review(self) -> None:
        """Correct a few tasks through the Label Studio API, as an annotator would."""
        tasks = self.client.iter_tasks(self.project, include="id,predictions,total_annotations")
        open_tasks = [task for task in tasks if not task.get("total_annotations") and task.get("predictions")]
        for number, task in enumerate(open_tasks[:_REVIEWED]):
            prediction = task["predictions"][0]
            submit_review(
                self.client,
                task["id"],
                correct_result(prediction["result"], number, [label.code for label in self._labels.entities]),
                parent_prediction=prediction,
                lead_time=12.0 + number,
            )
        say(f"5/7  Corrected {min(len(open_tasks), _REVIEWED)} tasks: accepted, relabelled or with a region removed.")

    def pull(self) -> PullReport:
        """Pull the reviews."""
        with err.status("6/7  Pulling annotations"):
            report = pull_annotations(self.client, self._workspace, self._labels, PullOptions(self.project))
        expect(report.total >= _REVIEWED and not report.refused, f"{report.total} reviewed samples were pulled.")
        self.reviewed_file = report.file
        reviewed = list(read_samples([report.file], self._labels))
        acceptance = measure_acceptance(reviewed)
        expect(acceptance.total.rejected > 0 and acceptance.total.relabelled > 0, "the corrections were not pulled.")
        share = acceptance.total.accepted / acceptance.total.predicted
        say(f"6/7  Pulled {report.total} reviewed samples; {share:.0%} of the pre-annotations were accepted.")
        return report

    def freeze(self) -> Path:
        """Check the gate and freeze a version, also if the gate is closed; the manifest says so."""
        verdict = judge(data=self._workspace.root)
        frozen = freeze(
            BundleSettings(f"demo-{self._labels.fingerprint}", reviewed_only=True),
            data=self._workspace.root,
            despite_gate=True,
        )
        sizes = frozen.manifest["split"]["sizes"]
        expect(sum(sizes.values()) >= _REVIEWED, f"{sum(sizes.values())} samples were frozen.")
        say(f"     The gate is {'open' if verdict.open else 'closed'}; froze {sum(sizes.values())} samples.")
        return frozen.folder

    def train(self) -> Path:
        """Freeze the demo's samples, train and sign a model, and annotate them again with it."""
        from goldspan.training.demo import train_demo

        name = f"demo-{time.strftime('%Y%m%d-%H%M%S')}"
        done = train_demo(self._workspace, self._labels, [self.sample_file], name=name, report=say)
        expect(done.annotated.is_file(), "the new model annotated nothing.")
        found, gold = done.scores.right, done.scores.gold
        say(f"     Trained and signed {done.model.folder}; with patterns it finds {found:.0f} of {gold:.0f} entities.")
        return done.model.folder

    def open_dashboard(self, port: int | None = None) -> DashboardProcess:
        """Start the dashboard."""
        with err.status("7/7  Starting the dashboard"):
            self._dashboard = start_dashboard(self._workspace, port)
        say(f"7/7  The dashboard is running at {self._dashboard.address}")
        return self._dashboard

    def wait(self) -> None:
        """Wait until the dashboard ends or the user presses Ctrl-C."""
        try:
            if self._dashboard:
                self._dashboard.wait()
        except KeyboardInterrupt:
            say("Stopping Label Studio and the dashboard. The samples stay in the workspace.")


def correct_result(
    result: Sequence[dict[str, Any]], number: int, choices: Sequence[str] = ("COMPANYNAME", "CITY")
) -> list[dict[str, Any]]:
    """Correct a prediction: every third is accepted, every third relabelled, every third loses a region."""
    corrected = [dict(item) for item in result]
    entities = [item for item in corrected if item.get("from_name") == "label"]
    if number % 3 == 1 and entities:
        label = next(choice for choice in choices if entities[0]["value"]["labels"] != [choice])
        entities[0]["value"] = entities[0]["value"] | {"labels": [label]}
    if number % 3 == 2 and entities:
        related = {item[end] for item in corrected if item.get("type") == "relation" for end in ("from_id", "to_id")}
        removable = [item for item in entities if item["id"] not in related]
        corrected = [item for item in corrected if not removable or item is not removable[-1]]
    return corrected
