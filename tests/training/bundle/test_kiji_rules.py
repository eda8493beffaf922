from __future__ import annotations

from hypothesis import given

from goldspan.annotation.errors import RecordError
from goldspan.annotation.formats.kiji import encode_kiji
from goldspan.annotation.tasks.store import prepare_task
from goldspan.annotation.types import Sample
from tests.strategies import LABELS, samples
from tests.training.kiji_rules import convert


def may_be_written(sample: Sample) -> bool:
    try:
        prepare_task(sample, LABELS)
    except RecordError:
        return False
    return True


@given(samples().filter(may_be_written))
def test_kiji_keeps_text_entities_and_clusters_of_any_sample(sample: Sample) -> None:
    best = sample.annotations[0]
    row = convert(encode_kiji(sample, LABELS))
    if not best.entities and not best.mentions:
        assert row is None
        return
    assert row is not None
    assert row["text"] == sample.text
    assert {(e["start"], e["end"], e["label"]) for e in row["privacy_mask"]} == {e.span for e in best.entities}
    expected = sorted(len(mentions) for mentions in best.clusters.values() if len(mentions) > 1)
    assert sorted(len(cluster) for cluster in row["coreferences"]) == expected


def test_what_our_layout_guards_against() -> None:
    """Where a mention is drawn by its entity's region, the loader forgets the entity: the plain task shows it."""
    regions = [
        {"id": name, "value": {"start": start, "end": start + 3, "text": "Ann", "labels": ["FIRSTNAME"]}}
        for name, start in (("a", 0), ("b", 9))
    ]
    relation = {"from_id": "b", "to_id": "a", "type": "relation"}
    row = convert({"data": {"text": "Ann says Ann"}, "annotations": [{"result": [*regions, relation]}]})
    assert row
    assert [entry["start"] for entry in row["privacy_mask"]] == [0]
