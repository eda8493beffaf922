from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from goldspan.annotation.errors import InputError, MaskingError, StateError
from goldspan.annotation.labels.schema import LabelSchema, load_labels
from goldspan.annotation.loops import run_sync
from goldspan.annotation.types import Annotation
from goldspan.masking.ledger import Ledger
from goldspan.masking.mask import Masker
from goldspan.masking.policy import load_policy
from goldspan.predictors.base import TextInput
from goldspan.serving.documents.base import FileSettings
from goldspan.serving.documents.files import FileOutcome, hold_output, mask_files, plan_jobs
from goldspan.serving.documents.report import REPORT, MaskingReport
from tests.masking.lexicon import LexiconPredictor


class CountingPredictor(LexiconPredictor):
    def __init__(self, fails_on: str = "\0") -> None:
        super().__init__()
        self.read: list[str] = []
        self.fails_on = fails_on

    def predict_batch(self, texts: list[TextInput]) -> list[Annotation]:  # type: ignore[override]
        self.read += [text.text for text in texts]
        if any(self.fails_on in text.text for text in texts):
            raise MaskingError("the model failed")
        return super().predict_batch(texts)


async def run(
    folder: Path,
    predictor: CountingPredictor,
    policy: str = "pseudonymise",
    ledger: Ledger | None = None,
    force: bool = False,
) -> list[FileOutcome]:
    masker = Masker(predictor, load_policy(policy), load_labels(), ledger=ledger)
    jobs = plan_jobs([folder / "in"], folder / "out")
    report = MaskingReport(folder / "out" / REPORT)
    return [one async for one in mask_files(jobs, masker, FileSettings(), report, force=force)]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "in" / "deep").mkdir(parents=True)
    (tmp_path / "in" / "a.txt").write_text("Ann was here")
    (tmp_path / "in" / "deep" / "b.md").write_text("Bob was here")
    (tmp_path / "in" / ".hidden.txt").write_text("Ann")
    return tmp_path


def test_a_folder_keeps_its_shape_and_a_second_run_does_nothing(folder: Path) -> None:
    predictor = CountingPredictor()
    outcomes = run_sync(run(folder, predictor))
    assert {one.job.name for one in outcomes} == {"a.txt", "deep/b.md"}
    assert (folder / "out" / "deep" / "b.md").read_text() == "[FIRSTNAME_1] was here"
    assert (folder / "out" / "a.txt").stat().st_mode & 0o777 == 0o600
    again = run_sync(run(folder, predictor))
    assert all(one.skipped for one in again)
    assert len(predictor.read) == 4, "two texts and two names"


def test_changed_sources_outputs_and_policies_are_masked_again(folder: Path) -> None:
    predictor = CountingPredictor()
    run_sync(run(folder, predictor))
    (folder / "in" / "a.txt").write_text("Ann is gone")
    assert [one.skipped for one in sorted(run_sync(run(folder, predictor)), key=lambda one: one.job.name)] == [
        False,
        True,
    ]
    assert (folder / "out" / "a.txt").read_text() == "[FIRSTNAME_1] is gone"
    assert not any(one.skipped for one in run_sync(run(folder, predictor, "redact")))
    (folder / "out" / "a.txt").write_text("tampered")
    outcomes = {one.job.name: one for one in run_sync(run(folder, predictor, "redact"))}
    assert isinstance(outcomes["a.txt"].error, InputError)
    assert (folder / "out" / "a.txt").read_text() == "tampered"
    assert not any(one.skipped for one in run_sync(run(folder, predictor, "redact", force=True)))


def test_a_file_that_fails_has_no_output_and_the_others_go_on(folder: Path) -> None:
    run_sync(run(folder, CountingPredictor()))
    (folder / "in" / "a.txt").write_text("Ann, poison")
    (folder / "in" / "c.exe").write_bytes(b"x")
    outcomes = {one.job.name: one for one in run_sync(run(folder, CountingPredictor("poison")))}
    assert isinstance(outcomes["a.txt"].error, MaskingError)
    assert isinstance(outcomes["c.exe"].error, InputError)
    assert outcomes["deep/b.md"].error is None
    assert {file.name for file in (folder / "out").rglob("*") if file.is_file()} == {"b.md", REPORT}


def run_and_die(folder: Path, replace: Callable[[Path, Path], Path], monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as killed:
        killed.setattr(Path, "replace", replace)
        with pytest.raises(KeyboardInterrupt):
            run_sync(run(folder, CountingPredictor()))


def test_a_run_that_was_killed_as_a_file_appeared_goes_on(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    replace = Path.replace

    def replace_and_die(self: Path, target: Path) -> Path:
        replace(self, target)
        raise KeyboardInterrupt

    (folder / "in" / "deep" / "b.md").unlink()
    run_and_die(folder, replace_and_die, monkeypatch)
    assert (folder / "out" / "a.txt").exists()
    again = CountingPredictor()
    assert [one.skipped for one in run_sync(run(folder, again))] == [True]
    assert not again.read


def test_a_run_that_was_killed_before_a_file_was_replaced_replaces_it(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_sync(run(folder, CountingPredictor()))
    (folder / "in" / "a.txt").write_text("Bob was here")

    def die(self: Path, target: Path) -> Path:
        raise KeyboardInterrupt

    run_and_die(folder, die, monkeypatch)
    assert not [one for one in run_sync(run(folder, CountingPredictor())) if one.error]


def test_one_command_masks_into_a_folder_and_removes_what_a_killed_one_left(folder: Path) -> None:
    jobs = plan_jobs([folder / "in"], folder / "out")
    left = folder / "out" / "deep" / ".masking-abc.tmp"
    left.parent.mkdir(parents=True)
    left.write_text("Ann")
    with hold_output(folder / "out", jobs):
        assert not left.exists()
        with pytest.raises(StateError, match="Another"), hold_output(folder / "out", jobs):
            pass


def test_a_link_out_of_the_folder_is_refused_and_one_inside_is_masked(folder: Path) -> None:
    (folder / "secret.txt").write_text("Ann")
    (folder / "in" / "out.txt").symlink_to(folder / "secret.txt")
    (folder / "in" / "deep" / "in.txt").symlink_to("../a.txt")
    outcomes = {one.job.name: one.error for one in run_sync(run(folder, CountingPredictor()))}
    assert "link to a file outside" in str(outcomes.pop("out.txt"))
    assert outcomes == {"a.txt": None, "deep/b.md": None, "deep/in.txt": None}
    assert not (folder / "out" / "out.txt").exists()


def test_files_of_one_ledger_share_their_replacements(folder: Path) -> None:
    run_sync(run(folder, CountingPredictor(), ledger=Ledger()))
    assert (folder / "out" / "a.txt").read_text() == "[FIRSTNAME_1] was here"
    assert (folder / "out" / "deep" / "b.md").read_text() == "[FIRSTNAME_2] was here"


def test_the_report_has_no_text_and_notices_changes(folder: Path) -> None:
    run_sync(run(folder, CountingPredictor()))
    path = folder / "out" / REPORT
    content = path.read_text()
    assert "Ann" not in content
    assert "Bob" not in content
    assert all(record["complete"] for record in map(json.loads, content.splitlines()))
    path.write_text(content + '{"half a li')
    assert len(path.read_text().splitlines()) == 3
    MaskingReport(path)
    assert path.read_text() == content
    path.write_text(content.replace('"units":1', '"units":2', 1))
    with pytest.raises(StateError, match="line 2"):
        MaskingReport(path)


@pytest.mark.parametrize("output", ["in/masked", "in/deep/../masked"])
def test_results_inside_the_folder_are_not_masked_again(folder: Path, labels: LabelSchema, output: str) -> None:
    (folder / "in" / "masked").mkdir()
    (folder / "in" / "masked" / "a.txt").write_text("[FIRSTNAME_1] was here")
    assert {job.name for job in plan_jobs([folder / "in"], folder / output)} == {"a.txt", "deep/b.md"}
    assert {job.name for job in plan_jobs([folder / "in"], folder / "out")} == {"a.txt", "deep/b.md", "masked/a.txt"}


def test_plans_that_would_lose_files_are_refused(folder: Path, labels: LabelSchema) -> None:
    (folder / "in" / "deep" / "a.txt").write_text("Bob")
    with pytest.raises(InputError, match="its own masked version"):
        plan_jobs([folder / "in" / "a.txt"], folder / "in")
    with pytest.raises(InputError, match="both become"):
        plan_jobs([folder / "in" / "deep" / "a.txt", folder / "in"], folder / "out")
    assert len(plan_jobs([folder / "in" / "a.txt", folder / "in"], folder / "out")) == 3
    with pytest.raises(InputError, match="no file or folder"):
        plan_jobs([folder / "nothing"], folder / "out")
    (folder / "x.docm").write_text("x")
    with pytest.raises(InputError, match="docm"):
        plan_jobs([folder / "x.docm"], folder / "out")


@pytest.mark.parametrize("name", ["a.txt", "a.html", "a.csv", "a.jsonl", "a.json", "a.eml"])
def test_a_leak_in_the_written_file_is_noticed(
    tmp_path: Path, labels: LabelSchema, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The masker is made to leak: the check of the written file has to find it, and no output may remain."""
    from goldspan.serving.documents import flow
    from goldspan.serving.documents.files import mask_file

    content = {"a.csv": "t\nAnna Smith\n", "a.json": '{"t": "Anna Smith"}', "a.jsonl": '{"t": "Anna Smith"}\n'}
    (tmp_path / name).write_text(content.get(name, "Subject: x\n\nAnna Smith\n"))
    real = flow._share_out

    def leak(runs, starts, replacements):  # type: ignore[no-untyped-def]
        edits = real(runs, starts, replacements)
        return [
            [(start, end, run.text[start:end]) for start, end, _ in one] for run, one in zip(runs, edits, strict=True)
        ]

    monkeypatch.setattr(flow, "_share_out", leak)
    masker = Masker(LexiconPredictor(), load_policy("pseudonymise"), labels)
    with pytest.raises(MaskingError, match="still stands"):
        run_sync(mask_file(tmp_path / name, tmp_path / "out", masker, FileSettings()))
    assert [file.name for file in tmp_path.iterdir()] == [name]
