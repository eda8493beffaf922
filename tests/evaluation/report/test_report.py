"""One report of two systems on two data sets: every figure from the results, and nothing of the texts."""

from __future__ import annotations

import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest

from goldspan.annotation.errors import ConfigurationError, InputError
from goldspan.evaluation.matching.documents import pair_samples
from goldspan.evaluation.report.collect import collect_report
from goldspan.evaluation.report.prices import read_prices
from goldspan.evaluation.report.public import write_report
from goldspan.evaluation.results.evaluate import evaluate_pairing
from goldspan.evaluation.results.result import write_result

FIT = {
    "format": 1,
    "method": "token-classifier",
    "bundle": {"name": "v1", "fingerprint": "f"},
    "training": {"seconds": 90.0, "cpu_seconds": 3600.0, "documents": 120, "usage": {}, "price": None},
}
TIMING = {"documents": 5, "failures": 0, "cached": 0, "cpu_seconds": 0.5, "cores": 2, "wall_seconds": 1.0}
USAGE = {"prompt_tokens": 4000, "completion_tokens": 1000, "requests": 5, "cached": 0}
PRICES = """
as_of = "2026-11-26"
currency = "USD"
[compute]
core_hour = 0.5
source = "ours"
[annotation]
hour = 30
minutes_per_document = 2
source = "ours"
[[tokens]]
model = "big"
prompt = 1.0
completion = 2.0
as_of = "2026-11-01"
source = "list"
"""


@pytest.fixture
def prices(tmp_path: Path):
    path = tmp_path / "prices.toml"
    path.write_text(PRICES)
    return read_prices(path)


@pytest.fixture
def results(samples, labels):
    pairing = pair_samples(samples, samples)
    documents = tuple(d.with_prediction(d.gold.entities, "perfect") for d in pairing.documents)
    toy = evaluate_pairing(pairing, labels, experiment="trained <b>|x|</b>")
    perfect = evaluate_pairing(replace(pairing, documents=documents), labels, experiment="prompting")
    return [
        replace(toy, data={**toy.data, "name": "own"}, timing=TIMING, system={"fit": FIT}),
        replace(
            perfect,
            timing=TIMING,
            cost={"per_1000_documents": None, "usage": USAGE},
            system={"settings": {"model": "big", "shots": 3}},
        ),
    ]


def test_costs_are_measured_figures_times_dated_prices(results, prices) -> None:
    trained, prompting = collect_report(results, prices, volume=10_000).costs
    assert trained.training == pytest.approx(0.5)
    assert trained.annotation_hours == pytest.approx(4.0)
    assert trained.annotation == pytest.approx(120.0)
    assert trained.tokens_per_1000 == 0.0
    # 0.1 CPU seconds a document: 100 s for 1,000 at 0.5 an hour
    assert trained.compute_per_1000 == pytest.approx(100 / 3600 * 0.5)
    assert trained.spread(10_000) == pytest.approx(trained.per_1000 + 12.05)
    # 4,000 + 2 · 1,000 tokens for five documents
    assert prompting.tokens_per_1000 == pytest.approx(1000 * (4000 * 1.0 + 1000 * 2.0) / 1e6 / 5)
    assert prompting.fixed == 0.0
    assert prompting.sources == ("tokens: 1 / 2 USD a million, list (2026-11-01)",)


def test_break_even_is_where_the_sums_meet(results, prices) -> None:
    report = collect_report(results, prices)
    [even] = report.break_evens
    trained, prompting = report.costs
    assert (even.dear, even.cheap) == (trained.name, prompting.name)
    difference = trained.fixed - prompting.fixed
    assert even.documents == pytest.approx(1000 * difference / (prompting.per_1000 - trained.per_1000), abs=1)
    assert report.frontier == {"prompting"}


@pytest.mark.parametrize(
    "change",
    [
        {"timing": None},
        {"timing": {**TIMING, "cached": 2}},
        {"system": {"settings": {"bundle": "v1"}}},
        {"cost": {"per_1000_documents": None}},
    ],
)
def test_what_is_not_known_is_not_counted_as_nothing(results, prices, change) -> None:
    report = collect_report([replace(results[0], **change), results[1]], prices)
    assert report.costs[0].spread(1000) is None
    assert not report.break_evens
    assert report.costs[0].name not in report.frontier


def test_a_report_is_one_page_without_texts_scripts_or_references(results, prices, samples, tmp_path: Path) -> None:
    external = replace(results[0], data={**results[0].data, "fingerprint": "0" * 12, "name": "external"})
    files = []
    for number, result in enumerate([*results, external]):
        files.append(tmp_path / f"{number}.json")
        write_result(files[-1], result)
    written = write_report(files, tmp_path / "out" / "report.html", prices=prices, command="goldspan report a & b")
    page, document = written.html.read_text(), written.markdown.read_text()
    for content in (page, document, *(chart.read_text() for chart in written.charts)):
        for sample in samples:
            assert sample.text not in content
            for entity in sample.best.entities:
                assert sample.text[entity.start : entity.end] not in content
    assert not re.search(r"<script|<link|src=|href=|url\(|@import", page)
    assert "<b>|x|</b>" not in page + document
    assert "goldspan report a &amp; b" in page
    for chart in written.charts:
        assert f"{chart.parent.name}/{chart.name}" in document
    for title in ("Quality on own (own data)", "Quality on external (external data)", "Cost", "Speed", "Errors on own"):
        assert title in page
        assert f"## {title}" in document
    assert [data.name for data in written.report.data_sets] == ["own", "external"]
    _check_nesting(page)
    for table in re.findall(r"(?:^\|.*\|$\n)+", document, re.M):
        assert len({len(re.findall(r"(?<!\\)\|", line)) for line in table.splitlines()}) == 1


def test_a_report_of_nothing_and_broken_prices_are_refused(prices, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="nothing to report"):
        collect_report([], prices)
    path = tmp_path / "prices.toml"
    path.write_text(PRICES.replace("0.5", '"cheap"'))
    with pytest.raises(ConfigurationError, match=r"prices.toml:5: compute.core_hour"):
        read_prices(path)
    assert read_prices().currency == "USD"


def _check_nesting(page: str) -> None:
    """Every element is closed in its order."""

    class Checker(HTMLParser):
        stack: list[str] = []  # noqa: RUF012

        def handle_starttag(self, tag: str, attrs: object) -> None:
            if tag != "meta":
                self.stack.append(tag)

        def handle_endtag(self, tag: str) -> None:
            assert self.stack.pop() == tag

    checker = Checker()
    checker.feed(page)
    assert not checker.stack
