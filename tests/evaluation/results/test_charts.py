from dataclasses import replace

import pytest

from goldspan.annotation.types import Span
from goldspan.evaluation.matching.documents import pair_samples
from goldspan.evaluation.matching.match import PairKind
from goldspan.evaluation.results.chart_data import NOTHING, confusion_matrix, error_kinds_by_label, error_positions
from goldspan.evaluation.results.compare import compare_results
from goldspan.evaluation.results.evaluate import evaluate_pairing
from goldspan.evaluation.results.result import ErrorRecord


@pytest.fixture(scope="module")
def result(labels, samples):
    return evaluate_pairing(pair_samples(samples, samples), labels, experiment="toy")


def test_confusion_counts_every_pair_once(result):
    confusion = confusion_matrix(result)
    assert confusion.labels == ("CITY", "EMAIL", "FIRSTNAME", "SURNAME", NOTHING)
    counts = {
        (gold, predicted): count
        for gold, row in zip(confusion.labels, confusion.counts, strict=True)
        for predicted, count in zip(confusion.labels, row, strict=True)
        if count
    }
    assert counts == {
        ("CITY", "CITY"): 1,
        ("CITY", NOTHING): 1,
        ("EMAIL", "EMAIL"): 1,
        ("FIRSTNAME", "FIRSTNAME"): 1,
        ("FIRSTNAME", "SURNAME"): 1,
        ("SURNAME", "SURNAME"): 1,
        (NOTHING, "FIRSTNAME"): 1,
    }


def test_error_kinds_put_the_worst_label_first(result):
    kinds = error_kinds_by_label(result)
    assert list(kinds) == ["CITY", "FIRSTNAME"]
    assert kinds["CITY"] == {"type": 0, "boundary": 1, "boundary_and_type": 0, "missed": 1, "spurious": 0}
    assert kinds["FIRSTNAME"]["type"] == kinds["FIRSTNAME"]["spurious"] == 1


def test_positions_are_relative_to_the_text(result):
    errors = (
        ErrorRecord("a", PairKind.MISSED, Span(0, 2, "CITY"), None, 100),
        ErrorRecord("a", PairKind.SPURIOUS, None, Span(98, 100, "CITY"), 100),
        ErrorRecord("b", PairKind.TYPE, Span(4, 6, "URL"), Span(4, 6, "EMAIL"), 10),
        ErrorRecord("c", PairKind.MISSED, Span(0, 0, "URL"), None, 0),
    )
    positions = error_positions(replace(result, errors=errors))
    places = {label: [place for place, count in enumerate(row) if count] for label, row in positions.items()}
    assert places == {"CITY": [0, 19], "URL": [10]}


def test_charts_are_written_as_png_and_svg(result, tmp_path):
    pytest.importorskip("matplotlib")
    from goldspan.evaluation.results.charts import write_comparison_charts, write_result_charts

    files = write_result_charts(result, tmp_path / "charts")
    files += write_comparison_charts(compare_results([result]), tmp_path / "charts")
    names = {file.name for file in files}
    stems = ("error-kinds", "confusion", "error-positions", "comparison")
    assert names == {f"{stem}.{suffix}" for stem in stems for suffix in ("png", "svg")}
    for file in files:
        content = file.read_bytes()
        assert content.startswith(b"\x89PNG") if file.suffix == ".png" else b"<svg" in content
    assert "CITY" in (tmp_path / "charts" / "confusion.svg").read_text()


def test_charts_of_a_result_without_errors(result, tmp_path):
    pytest.importorskip("matplotlib")
    from goldspan.evaluation.results.charts import write_result_charts

    assert len(write_result_charts(replace(result, errors=(), outcomes={}), tmp_path)) == 6
