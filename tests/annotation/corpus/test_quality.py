from __future__ import annotations

import json
import random
from dataclasses import replace
from pathlib import Path

import pytest

from goldspan.annotation.corpus.outline import Outline
from goldspan.annotation.corpus.quality.balance import measure_evenness
from goldspan.annotation.corpus.quality.diversity import SkeletonCounts, judge_diversity, judge_vendi
from goldspan.annotation.corpus.quality.measure import QualityReport, measure_files, measure_quality
from goldspan.annotation.corpus.quality.result import CheckResult
from goldspan.annotation.errors import RecordError
from goldspan.annotation.labels.schema import LabelSchema, build_labels
from goldspan.annotation.tasks.codec import encode_task
from goldspan.annotation.types import Annotation, Author, Entity, Mention, Sample
from tests.annotation.corpora import make_templated, make_unrelated

CODES = {
    "inside_word", "unlabelled_repeat", "overlap", "out_of_range", "empty_span", "edge_whitespace", "edge_punctuation",
    "duplicate_span", "unknown_label", "crossing_layers", "ambiguous_occurrence",
    "invalid_checksum", "implausible_value", "format_mismatch_country", "documentation_value",
    "label_conflict", "cluster_incoherent", "placeholder", "model_residue", "other_language",
    "skeleton_uniqueness", "largest_skeleton_share", "near_duplicate_rate", "skeleton_gzip_ratio", "distinct_3",
    "opening_share", "vendi", "value_concentration",
    "label_coverage", "cell_coverage", "label_evenness", "entity_positions", "hard_negative_share", "length_bands",
    "sentence_repeats", "vocabulary_growth", "contexts", "lookup", "names_outside", "recent_person",
}  # fmt: skip


def sample(text: str, *marked: tuple[str, str], language: str = "en", country: str = "", **fields: object) -> Sample:
    entities = tuple(Entity(text.index(value), text.index(value) + len(value), label) for value, label in marked)
    made = Sample(text, language, country, annotations=(Annotation(Author.model("m"), entities),), sample_id=text[:12])
    return replace(made, **fields)


def judge_outlines(outlines: list[Outline]) -> list[CheckResult]:
    counts, skeletons = SkeletonCounts(), [outline.skeleton for outline in outlines]
    for skeleton in skeletons:
        counts.add(skeleton)
    return judge_diversity(counts, skeletons)


def find(report: QualityReport, code: str) -> CheckResult:
    return next(check for check in report.checks if check.code == code)


def test_every_check_is_there_and_in_range(labels: LabelSchema) -> None:
    report = measure_quality([sample("Ann is here.", ("Ann", "FIRSTNAME")), sample("Nothing.")], labels)
    assert {check.code for check in report.checks} == CODES
    assert len(report.checks) == len(CODES)
    assert all(0 <= check.score <= 1 and check.summary.endswith(".") for check in report.checks)
    assert (report.samples, report.entities) == (2, 1)
    empty = measure_quality([], labels)
    assert {check.code for check in empty.checks} < CODES
    assert all(0 <= check.score <= 1 for check in empty.checks)


def test_alignment_checks_count_and_name_the_samples(labels: LabelSchema) -> None:
    bad = Sample("Annabel sees Ann.", "en", annotations=(Annotation(Author.model("m"), (Entity(0, 3, "FIRSTNAME"),)),))
    bad = replace(bad, sample_id="s-bad", provenance={"doubtful_places": 1})
    report = measure_quality([bad, sample("Bo", ("Bo", "FIRSTNAME"))], labels)
    inside = find(report, "inside_word")
    assert (inside.score, inside.flag, inside.info["samples"]) == (0.5, True, ["s-bad"])
    assert find(report, "unlabelled_repeat").info["bad"] == 1
    assert find(report, "ambiguous_occurrence").score == pytest.approx(2 / 3)


def test_values(labels: LabelSchema) -> None:
    report = measure_quality(
        [
            sample("Card 4111 1111 1111 1111 ok", ("4111 1111 1111 1111", "CREDITCARDNUMBER")),
            sample("Card 4242 4242 4242 4243 no", ("4242 4242 4242 4243", "CREDITCARDNUMBER")),
            sample("Aged 190 years", ("190", "AGE")),
            sample("Mail a@example.com now", ("a@example.com", "EMAIL")),
            sample("ZIP 1234 here", ("1234", "ZIP"), country="US"),
        ],
        labels,
    )
    assert find(report, "invalid_checksum").info == {"bad": 1, "total": 2, "by_label": {"CREDITCARDNUMBER": 1}}
    assert find(report, "implausible_value").info["by_label"] == {"AGE": 1}
    assert find(report, "format_mismatch_country").info["by_label"] == {"ZIP": 1}
    assert find(report, "documentation_value").info["by_label"] == {"CREDITCARDNUMBER": 1, "EMAIL": 1}
    assert find(report, "documentation_value").flag


def test_conflicts(labels: LabelSchema) -> None:
    city = [sample(f"{number} Paris", ("Paris", "CITY")) for number in range(3)]
    report = measure_quality([*city, sample("Paris spoke", ("Paris", "FIRSTNAME"))], labels)
    conflict = find(report, "label_conflict")
    assert conflict.info["bad"] == 1
    assert conflict.info["surfaces_by_labels"] == {"CITY / FIRSTNAME": 1}
    assert conflict.info["entropy"] == pytest.approx(0.8113, abs=1e-4)
    assert "Paris" not in str(report.to_dict())


def test_clusters(labels: LabelSchema) -> None:
    mentions = (Mention(0, 3, "MENTION", "1"), Mention(8, 11, "MENTION", "1"))
    entities = (Entity(0, 3, "FIRSTNAME"), Entity(8, 11, "FIRSTNAME"))
    torn = Sample("Ann met Bob.", "en", annotations=(Annotation(Author.model("m"), entities, mentions),))
    assert find(measure_quality([torn], labels), "cluster_incoherent").info["two_given_names"] == 1


def test_diversity_is_measured_on_skeletons() -> None:
    samey = {check.code: check for check in judge_outlines(make_templated(3, 300))}
    varied = {check.code: check for check in judge_outlines(make_unrelated(300))}
    for code in ("skeleton_uniqueness", "largest_skeleton_share", "near_duplicate_rate", "distinct_3", "opening_share"):
        assert samey[code].flag, code
        assert not varied[code].flag, code
        assert samey[code].score < varied[code].score, code
    assert samey["skeleton_gzip_ratio"].flag
    assert samey["vendi"].info["vendi"] == pytest.approx(3, rel=0.2)
    assert varied["vendi"].score > 10 * samey["vendi"].score
    assert judge_outlines([]) == []


def test_vendi_counts_what_differs() -> None:
    alphabets = ["abcdef", "ghijkl", "mnopqr", "stuvwx"]
    draw = random.Random(1)
    texts = [" ".join("".join(draw.choices(alphabet, k=9)) for _ in range(40)) for alphabet in alphabets]
    assert judge_vendi(texts * 5).info["vendi"] == pytest.approx(4, rel=0.15)
    assert judge_vendi(["same text"] * 9).info["vendi"] == pytest.approx(1)
    assert judge_vendi([""]).score == 1


def test_balance(labels: LabelSchema) -> None:
    unverified = sample("Nothing at all.", provenance={"unverified_negative": True})
    report = measure_quality([sample("Ann", ("Ann", "FIRSTNAME")), sample("Really nothing."), unverified], labels)
    assert find(report, "hard_negative_share").info == {"negatives": 1, "unverified": 1}
    assert find(report, "label_coverage").info["lacking"]["FIRSTNAME"] == labels["FIRSTNAME"].target - 1
    assert find(report, "entity_positions").info["tenths"] == [1, *[0] * 9]
    assert find(report, "cell_coverage").score == pytest.approx(1 / 26)
    assert measure_evenness([5, 5, 5, 5]) == pytest.approx(1)
    single = build_labels({"labels": {"FIRSTNAME": {"name": "first name", "target": 0}}})
    report = measure_quality([sample("Ann", ("Ann", "FIRSTNAME"))], single)
    assert [find(report, code).score for code in ("label_coverage", "label_evenness")] == [1, 1]
    assert measure_evenness([7]) == 0
    assert measure_evenness([9, 1]) == pytest.approx(0.469, abs=1e-3)


def test_given_names_that_everybody_has(labels: LabelSchema) -> None:
    names = ["Maria"] * 60 + [f"Name{letter}" for letter in "abcdefghijklmnopqrstuvwxyz" * 2][:50]
    report = measure_quality([sample(f"{name} waits.", (name, "FIRSTNAME")) for name in names], labels)
    check = find(report, "value_concentration")
    assert check.flag
    assert check.info["share"] == pytest.approx((60 + 9 * 2) / 110)
    outline = Outline("a", "x", "x")
    assert outline.labels == ()


def test_what_cannot_be_read_counts_too(labels: LabelSchema, tmp_path: Path) -> None:
    good = sample("Ann waits.", ("Ann", "FIRSTNAME"))
    task = encode_task(good, labels)
    bad = json.loads(json.dumps(task))
    bad["data"] |= {"text": "Bob waits.", "sample_id": "s-bad"}
    (tmp_path / "a.jsonl").write_text(f"{json.dumps(task)}\n{json.dumps(bad)}\n{{}}\n")
    refused: list[RecordError] = []
    report = measure_files([tmp_path], labels, refused.append)
    assert (report.samples, len(refused)) == (2, 1)
    for code in ("text_mismatch", "text_changed"):
        assert find(report, code).flag
        assert find(report, code).info["samples"] == ["s-bad"]
    assert not find(report, "broken_region").flag
