from __future__ import annotations

from collections import Counter

from hypothesis import given, settings
from hypothesis import strategies as st

from goldspan.annotation.corpus.coverage import count_coverage
from goldspan.annotation.types import Annotation, Author, Entity, Sample
from goldspan.generators.specs.plan import SamplePlan, find_shortfalls, plan_gaps
from tests.generators.scripted import LABELS

TYPES = ("letter", "chat")


def make_sample(text: str, label: str, language: str = "en", document_type: str = "letter") -> Sample:
    reading = Annotation(Author.model("m"), (Entity(0, len(text), label),))
    return Sample(text, language, "", document_type, (reading,), sample_id=f"{language}{text}")


def test_coverage_counts_a_text_once():
    samples = [make_sample("Lyon", "CITY"), make_sample("Lyon", "CITY"), make_sample("Lyon", "CITY", "fr")]
    assert count_coverage(samples) == {("CITY", "en", "letter"): 1, ("CITY", "fr", "letter"): 1}


def test_shortfall_is_the_share_of_the_target_that_is_missing():
    full = {(label.code, "en", kind): label.target for label in LABELS.entities for kind in TYPES}
    assert find_shortfalls(full, LABELS, ["en"], TYPES) == []
    gaps = find_shortfalls({**full, ("CITY", "en", "chat"): 30}, LABELS, ["en"], TYPES)
    assert gaps == [("CITY", "en", "chat", 30, -(-LABELS["CITY"].target // 2))]


cells = st.tuples(st.sampled_from(["CITY", "IBAN", "AGE"]), st.sampled_from(["en", "de"]), st.sampled_from(TYPES))


@given(st.dictionaries(cells, st.integers(1, 40)), st.integers(0, 60))
@settings(deadline=None)
def test_plan_fills_gaps_and_never_more(lacking, samples):
    gaps = [(label, language, kind, 0, wanted) for (label, language, kind), wanted in lacking.items()]
    plan = plan_gaps((find_shortfalls_entry(gap) for gap in gaps), samples)
    assert plan.total <= samples
    asked: Counter[tuple[str, str, str]] = Counter()
    for cell in plan.cells:
        for label in cell.labels:
            asked[label, cell.language, cell.document_type] += cell.samples
    assert all(asked[key] <= lacking.get(key, 0) for key in asked)
    if samples >= sum(lacking.values()):
        assert asked == Counter(lacking)
    assert SamplePlan.from_dict(plan.to_dict()) == plan
    assert Counter(plan.find_cell(item) for item in range(plan.total)) == Counter({c: c.samples for c in plan.cells})


def find_shortfalls_entry(values):
    from goldspan.generators.specs.plan import Shortfall

    return Shortfall(*values)


def test_large_plan_is_made_in_moments():
    import time

    gaps = find_shortfalls({}, LABELS, ["en", "de", "fr", "es", "nl", "da"], [f"type {n}" for n in range(12)])
    began = time.process_time()
    plan = plan_gaps(gaps, 5000)
    assert plan.total > 1000
    assert time.process_time() - began < 5
