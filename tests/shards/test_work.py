"""One shard at a time: results, markers, what is done again and what is not."""

from __future__ import annotations

import errno
import gzip
import json
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pytest

from goldspan.annotation.errors import DiskFullError, InputError
from goldspan.annotation.labels.schema import load_labels
from goldspan.annotation.tasks.store import read_samples
from goldspan.shards import work
from goldspan.shards.plan import list_shards, make_plan, read_plan
from goldspan.shards.report import FAILURES, read_report
from goldspan.shards.run import read_summary, summarise
from goldspan.shards.storage import open_storage
from tests.shards.conftest import RunHere

ANNOTATE = {"predictor": "regex"}


def test_annotate_writes_one_file_of_samples_for_each_shard(texts: Path, tmp_path: Path, run_here: RunHere) -> None:
    reports = run_here("annotate", texts, tmp_path / "out", **ANNOTATE)
    assert [report.counts["samples"] for report, _ in reports] == [3, 3, 3]
    assert [dict(report.tallies["entities"]) for report, _ in reports] == [{"EMAIL": 3}] * 3
    samples = list(read_samples(tmp_path / "out", load_labels()))
    assert [len(sample.predictions[0].entities) for sample in samples] == [1] * 9


def test_finished_shards_are_skipped_until_input_settings_or_result_change(
    texts: Path, tmp_path: Path, run_here: RunHere
) -> None:
    out = tmp_path / "out"
    run_here("annotate", texts, out, **ANNOTATE)
    assert [skipped for _, skipped in run_here("annotate", texts, out, **ANNOTATE)] == [True] * 3
    (out / "part-0.jsonl").write_text("{}\n")
    with (texts / "part-1.jsonl").open("a") as stream:
        stream.write(json.dumps({"text": "Or to bob@example.org.", "language": "en"}) + "\n")
    assert [skipped for _, skipped in run_here("annotate", texts, out, **ANNOTATE)] == [False, False, True]
    again = run_here("annotate", texts, out, **ANNOTATE, country="GB")
    assert [skipped for _, skipped in again] == [False] * 3


@pytest.mark.parametrize("point", ["publish", "marker"])
def test_a_crash_at_a_commit_point_costs_one_shard_and_changes_nothing(
    point: str, texts: Path, tmp_path: Path, run_here: RunHere, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_here("annotate", texts, tmp_path / "whole", **ANNOTATE)
    with monkeypatch.context() as broken:
        if point == "marker":
            broken.setattr(work, "write_marker", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
        else:
            kind = type(open_storage(str(tmp_path)))
            broken.setattr(kind, "publish", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            run_here("annotate", texts, tmp_path / "out", **ANNOTATE)
    run_here("annotate", texts, tmp_path / "out", **ANNOTATE)
    for name in ("part-0.jsonl", "part-1.jsonl", "part-2.jsonl"):
        assert (tmp_path / "out" / name).read_bytes() == (tmp_path / "whole" / name).read_bytes()
    assert not [path for path in (tmp_path / "out").iterdir() if path.name.startswith(".")]


def test_a_shard_that_cannot_be_read_is_set_aside_and_tried_again(
    texts: Path, tmp_path: Path, run_here: RunHere
) -> None:
    good = (texts / "part-1.jsonl").read_bytes()
    (texts / "part-1.jsonl.gz").write_bytes(b"no gzip at all")
    (texts / "part-1.jsonl").unlink()
    out = tmp_path / "out"
    reports = run_here("annotate", texts, out, **ANNOTATE)
    assert [bool(report.error) for report, _ in reports] == [False, True, False]
    assert "cannot be unpacked" in reports[1][0].error
    stored = open_storage(str(out))
    failure = read_report(stored.read(f"{FAILURES}/part-1.jsonl.gz.json"))
    assert failure is not None
    assert "cannot be unpacked" in failure.error
    (texts / "part-1.jsonl.gz").write_bytes(gzip.compress(good))
    reports = run_here("annotate", texts, out, **ANNOTATE)
    assert [skipped for _, skipped in reports] == [True, False, True]
    assert stored.read(f"{FAILURES}/part-1.jsonl.gz.json") is None
    assert gzip.decompress((out / "part-1.jsonl.gz").read_bytes()).count(b"\n") == 3


def test_packed_shards_give_packed_results_of_equal_bytes(texts: Path, tmp_path: Path, run_here: RunHere) -> None:
    plain = tmp_path / "plain"
    run_here("annotate", texts, plain, **ANNOTATE)
    with pa.CompressedOutputStream(str(texts / "packed.jsonl.zst"), "zstd") as stream:
        stream.write((texts / "part-0.jsonl").read_bytes())
    run_here("annotate", texts, tmp_path / "out", **ANNOTATE)
    with pa.CompressedInputStream(str(tmp_path / "out" / "packed.jsonl.zst"), "zstd") as stream:
        assert stream.read() == (plain / "part-0.jsonl").read_bytes()


def test_shards_and_results_may_lie_at_an_address(texts: Path, tmp_path: Path, run_here: RunHere) -> None:
    source = open_storage("memory://shards-in")
    for path in sorted(texts.iterdir()):
        source.write(path.name, path.read_bytes())
    run_here("annotate", texts, tmp_path / "out", **ANNOTATE)
    reports = run_here("annotate", "memory://shards-in", "memory://shards-out", **ANNOTATE)
    assert [report.error for report, _ in reports] == ["", "", ""]
    results = open_storage("memory://shards-out")
    assert results.read("part-2.jsonl") == (tmp_path / "out" / "part-2.jsonl").read_bytes()
    again = run_here("annotate", "memory://shards-in", "memory://shards-out", **ANNOTATE)
    assert [skipped for _, skipped in again] == [True] * 3


def test_an_id_that_stands_in_two_shards_is_counted_over_all(texts: Path, tmp_path: Path, run_here: RunHere) -> None:
    samples = tmp_path / "samples"
    run_here("annotate", texts, samples, **ANNOTATE)
    (samples / "part-3.jsonl").write_bytes((samples / "part-0.jsonl").read_bytes())
    plan = make_plan("check", {}, list_shards([str(samples)]), str(tmp_path / "checked"))
    reports = [report for report, _ in run_here("check", samples, tmp_path / "checked")]
    assert sum(report.counts.get("refused", 0) for report in reports) == 0
    summary = summarise(plan, reports, 0)
    assert summary.counts["refused"] == 3
    said = "3 of its sample ids stand in an earlier shard too"
    assert summary.refused == ({"shard": "part-3.jsonl", "line": 0, "reason": said},)


def test_import_and_export_convert_every_shard(texts: Path, tmp_path: Path, run_here: RunHere) -> None:
    (texts / "table.csv").write_text("text,language\nHello there.,en\n")
    reports = run_here("import", texts, tmp_path / "samples")
    assert sum(report.counts["samples"] for report, _ in reports) == 10
    run_here("export", tmp_path / "samples", tmp_path / "exported", format="conll")
    assert sorted(path.suffix for path in (tmp_path / "exported").glob("*.conll")) == [".conll"] * 4
    with pytest.raises(InputError, match="folder of files"):
        run_here("export", tmp_path / "samples", tmp_path / "brat", format="brat")


def test_mask_leaves_no_value_in_any_shard(texts: Path, tmp_path: Path, run_here: RunHere) -> None:
    reports = run_here("mask", texts, tmp_path / "out", predictor="regex", policy="redact")
    assert [report.error for report, _ in reports] == ["", "", ""]
    masked = b"".join(path.read_bytes() for path in sorted((tmp_path / "out").glob("*.jsonl")))
    assert masked.count(b"\n") == 9
    assert b"@example.org" not in masked


def test_the_label_schema_may_not_change_within_a_run(
    texts: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = tmp_path / "labels.toml"
    own.write_text('[labels.ORDER_ID]\nname = "Order"\npattern = "ORD-[0-9]{4}"\nvalues = "pattern"\n')
    plan = make_plan("annotate", ANNOTATE, list_shards([str(texts)]), str(tmp_path / "out"), own)
    assert read_plan(plan.to_json()) == plan
    own.write_text(own.read_text().replace("Order", "Ticket"))
    with pytest.raises(InputError, match="start the run again"):
        plan.load_labels()


def test_two_shards_with_one_result_are_refused(texts: Path, tmp_path: Path, run_here: RunHere) -> None:
    (texts / "part-0.csv").write_text("text\nHello.\n")
    with pytest.raises(InputError, match=r"one result, part-0\.jsonl"):
        run_here("annotate", texts, tmp_path / "out", **ANNOTATE)
    assert not (tmp_path / "out" / "part-0.jsonl").exists()
    masked = run_here("mask", texts, tmp_path / "masked", predictor="regex", policy="redact")
    assert [report.error for report, _ in masked] == [""] * 4
    (texts / "part-0.jsonl.gz").write_bytes(gzip.compress(b"{}"))
    with pytest.raises(InputError, match="one result"):
        list_shards([str(texts)])


def test_a_reason_names_the_shard_and_no_temporary_file(texts: Path, tmp_path: Path, run_here: RunHere) -> None:
    (texts / "odd.png.gz").write_bytes(gzip.compress(b"no text"))
    failed = {report.name: report.error for report, _ in run_here("annotate", texts, tmp_path / "out", **ANNOTATE)}
    assert f"{texts}/odd.png" in failed["odd.png.gz"]
    assert "goldspan-shard-" not in failed["odd.png.gz"]


def test_results_of_shards_that_are_gone_are_named(texts: Path, tmp_path: Path, run_here: RunHere) -> None:
    run_here("annotate", texts, tmp_path / "out", **ANNOTATE)
    (texts / "part-1.jsonl").unlink()
    run_here("annotate", texts, tmp_path / "out", **ANNOTATE)
    plan = make_plan("annotate", ANNOTATE, list_shards([str(texts)]), str(tmp_path / "out"))
    summary = read_summary(plan)
    assert (summary.finished, summary.missing, summary.others) == (2, 0, ("part-1.jsonl",))


@pytest.mark.parametrize("place", [".", "./", "results", "sub/results", "../texts/results"])
def test_results_among_the_shards_are_refused(
    texts: Path, place: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    for source in ("texts", "./texts/", str(texts), f"file://{texts}"):
        for output in (f"texts/{place}", str(texts / place)):
            with pytest.raises(InputError, match="outside"):
                list_shards([source], output)
    one = list_shards(["texts/part-0.jsonl"], "texts/results")
    assert [shard.name for shard in one] == ["part-0.jsonl"]
    assert list_shards(["texts"], "texts-annotated")
    with pytest.raises(InputError, match="folder of the shards"):
        make_plan("annotate", ANNOTATE, one, "texts")
    with pytest.raises(InputError, match="outside"):
        list_shards(["memory://in/"], "memory://in/out")


@pytest.mark.parametrize("name", ["../out.jsonl", "/etc/passwd", "a/../../b", ""])
def test_no_name_leads_out_of_a_folder(name: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no name of a file"):
        open_storage(str(tmp_path)).read(name)


@pytest.mark.parametrize(
    "step",
    [
        "annotation.files.os.fsync",
        "annotation.files.tempfile.mkstemp",
        "shards.storage.shutil.move",
        "shards.packing.shutil.copyfileobj",
        "shards.packing._copy_limited",
    ],
)
def test_a_full_disk_stops_the_run_and_breaks_no_shard(
    step: str, texts: Path, tmp_path: Path, run_here: RunHere, monkeypatch: pytest.MonkeyPatch
) -> None:
    (texts / "packed.jsonl.gz").write_bytes(gzip.compress((texts / "part-0.jsonl").read_bytes()))
    with monkeypatch.context() as patched:
        patched.setattr(f"goldspan.{step}", _raise(OSError(errno.ENOSPC, "No space left on device")))
        with pytest.raises(DiskFullError):
            run_here("annotate", texts, tmp_path / "out", **ANNOTATE)
    assert not (tmp_path / "out" / FAILURES).exists()
    assert [report.error for report, _ in run_here("annotate", texts, tmp_path / "out", **ANNOTATE)] == [""] * 4


def test_a_shard_that_the_disk_refuses_is_set_aside(
    texts: Path, tmp_path: Path, run_here: RunHere, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("goldspan.shards.work.hash_file", _raise(OSError(errno.EIO, "Input/output error")))
    reports = run_here("annotate", texts, tmp_path / "out", **ANNOTATE)
    assert [report.error for report, _ in reports] == ["OSError: Input/output error"] * 3


def test_the_text_may_stand_under_any_key(texts: Path, tmp_path: Path, run_here: RunHere) -> None:
    for path in texts.iterdir():
        path.write_text(path.read_text().replace('"text"', '"body"'))
    reports = run_here("annotate", texts, tmp_path / "out", **ANNOTATE, text_key="body")
    assert [report.counts["samples"] for report, _ in reports] == [3, 3, 3]


def test_files_without_an_ending_and_links_are_shards(texts: Path, tmp_path: Path, run_here: RunHere) -> None:
    (texts / "part-00007").write_text("no ending")
    (texts / "linked.jsonl").symlink_to(texts / "part-0.jsonl")
    (texts / "lost.jsonl").symlink_to(texts / "nowhere.jsonl")
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "more.jsonl").write_text('{"text": "Write to ann@example.org."}\n')
    (tmp_path / "other" / "back").symlink_to(texts)
    (texts / "folder").symlink_to(tmp_path / "other")
    (texts / "up").symlink_to("..")
    found = {report.name: report.error for report, _ in run_here("annotate", texts, tmp_path / "out", **ANNOTATE)}
    assert {found[name] for name in ("linked.jsonl", "folder/more.jsonl")} == {""}
    assert "There is no file" in found["lost.jsonl"]
    assert "part-00007" in found["part-00007"]
    assert not [name for name in found if name.startswith(("up/", "folder/back/"))]


def _raise(error: OSError) -> Callable[..., None]:
    def fail(*_: object, **__: object) -> None:
        raise error

    return fail
