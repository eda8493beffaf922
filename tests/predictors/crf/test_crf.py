"""The CRF on top of another predictor: tags and spans, what it learns from reviews, and how it is opened."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given

from goldspan.annotation.corpus.ledger import LedgerEntry, SplitLedger, find_ledger, write_ledger
from goldspan.annotation.corpus.uncertainty import find_tokens
from goldspan.annotation.errors import ConfigurationError, StateError
from goldspan.annotation.project import Project
from goldspan.annotation.tasks.store import write_samples
from goldspan.annotation.tasks.workspace import Workspace
from goldspan.annotation.types import Annotation, Author, Entity, Sample
from goldspan.predictors.artifact import SETTINGS_FILE
from goldspan.predictors.base import LocalPredictor, TextInput
from goldspan.predictors.crf.features import describe_text, find_places, make_shape, read_tags, tag_tokens
from goldspan.predictors.crf.predictor import CrfPredictor
from goldspan.predictors.crf.tagger import CrfTagger, TaggedText
from goldspan.predictors.registry import open_predictor
from goldspan.predictors.stacking import name_base
from goldspan.training.methods.crf import CrfSettings, train_crf
from goldspan.training.methods.examples import CrfExample, make_examples
from goldspan.training.methods.fits import fit
from tests.strategies import samples
from tests.training.tiny_model import TOML, make_bundle, make_labels, make_sample

pytest.importorskip("pycrfsuite")
LABELS = make_labels()


class FixedPredictor(LocalPredictor):
    """Says what it is given for each text, else nothing."""

    name = "fixed"

    def __init__(self, answers: dict[str, tuple[Entity, ...]]) -> None:
        self.labels = LABELS.entity_codes
        self._answers = answers

    def predict_batch(self, texts: list[TextInput]) -> list[Annotation]:  # type: ignore[override]
        return [Annotation(Author.model("fixed-1"), self._answers.get(text.text, ())) for text in texts]


def test_a_shape_keeps_the_form_of_a_word() -> None:
    assert [make_shape(word) for word in ("Ann", "WG-42b", "1234567", "ß")] == ["Xxx", "XX-00x", "0000", "x"]


@given(samples())
def test_tags_and_spans_of_whole_tokens_are_the_same_thing(sample: Sample) -> None:
    tokens, rows = describe_text(sample.text, sample.language, sample.annotations[0].entities)
    assert len(tokens) == len(rows)
    runs = [(start, min(start + 2, len(tokens)), "CITY") for start in range(0, len(tokens), 3)]
    entities = [Entity(tokens[first][0], tokens[last - 1][1], label) for first, last, label in runs]
    assert read_tags(tokens, tag_tokens(tokens, entities)) == runs


def test_a_tag_that_continues_nothing_begins_an_entity() -> None:
    assert read_tags([(0, 1), (1, 2), (2, 3)], ["I-A", "I-B", "I-B"]) == [(0, 1, "A"), (1, 3, "B")]


def train(count: int, base: LocalPredictor | None = None) -> CrfPredictor:
    trained = train_crf(make_examples([make_sample(n) for n in range(count)], base), CrfSettings())
    return CrfPredictor(LABELS, CrfTagger(trained.model), "1", base, trained.from_base)


def count_right(predictor: LocalPredictor, numbers: range) -> tuple[int, int]:
    """Entities that are right, and all of gold."""
    right = total = 0
    for number in numbers:
        sample = make_sample(number)
        gold = {entity.span for entity in sample.reviews[0].entities}
        found = {entity.span for entity in predictor.predict_sync(sample.text, "en").entities}
        right, total = right + len(found & gold), total + len(gold)
    return right, total


def test_it_learns_from_reviews_and_orders_texts_by_its_doubt() -> None:
    predictor = train(60)
    right, total = count_right(predictor, range(500, 540))
    assert right > 0.9 * total
    known = predictor.predict_sync(make_sample(3).text, "en").score
    strange = predictor.predict_sync("Zyx Qwert 77 Foo-Bar moved Xanadu number 0x9 quickly to Mars", "en").score
    assert known is not None
    assert strange is not None
    assert strange < known
    assert predictor.predict_sync("", "en").entities == ()


def test_it_corrects_the_predictor_beneath() -> None:
    """The predictor beneath takes every city for a first name: what it says is wrong, and still tells where to look."""
    answers = {}
    for number in range(600):
        sample = make_sample(number)
        cities = [e for e in sample.reviews[0].entities if e.label == "CITY"]
        answers[sample.text] = tuple(Entity(e.start, e.end, "FIRSTNAME") for e in cities)
    base = FixedPredictor(answers)
    right, total = count_right(train(30, base), range(500, 540))
    assert right > 0.9 * total
    assert count_right(base, range(500, 540))[0] == 0


def test_labels_that_it_has_seen_too_seldom_stay_those_of_the_base() -> None:
    text = "Call me today"
    phone = Entity(0, 4, "PHONENUMBER")
    base = FixedPredictor({text: (phone,)})
    reviewed = [CrfExample(f"Ann met Bob {n}", "en", (Entity(0, 3, "FIRSTNAME"),), ()) for n in range(8)]
    unreviewed = [CrfExample(text, "en", (), (phone,))]
    trained = train_crf(reviewed, CrfSettings(), unreviewed)
    assert trained.from_base == ("PHONENUMBER",)
    predictor = CrfPredictor(LABELS, CrfTagger(trained.model), "1", base, trained.from_base)
    assert [e.label for e in predictor.predict_sync(text, "en").entities] == ["PHONENUMBER"]


class FixedTagger(CrfTagger):
    """Says `O` of every token, with a probability for each word."""

    labels = frozenset({"FIRSTNAME", "CITY"})

    def __init__(self, tags: dict[str, str], outside: dict[str, float]) -> None:
        self._tags, self._outside = tags, outside

    def tag(self, text: str, language: str, beneath: Sequence[Entity]) -> TaggedText:
        tokens = find_tokens(text)
        words = [text[start:end] for start, end in tokens]
        tags = tuple(self._tags.get(f"{word}@{start}", "O") for word, (start, _) in zip(words, tokens, strict=True))
        outside = tuple(self._outside.get(word, 1.0) for word in words)
        return TaggedText(tuple(tokens), tags, (1.0,) * len(tokens), outside)


@pytest.mark.parametrize(("outside", "stays"), [(0.3, True), (0.6, True), (0.7, False), (1.0, False)])
def test_an_entity_of_the_base_stays_unless_the_crf_is_sure_that_it_is_none(outside: float, stays: bool) -> None:
    text = "We met in Bad Ems"
    base = FixedPredictor({text: (Entity(10, 17, "CITY"),)})
    predictor = CrfPredictor(LABELS, FixedTagger({}, {"Bad": outside}), "1", base)
    assert [e.span for e in predictor.predict_sync(text, "en").entities] == [(10, 17, "CITY")] * stays


def test_an_entity_of_the_base_gives_way_to_one_of_the_crf() -> None:
    text = "Florence met us"
    base = FixedPredictor({text: (Entity(0, 8, "CITY"),)})
    predictor = CrfPredictor(LABELS, FixedTagger({"Florence@0": "B-FIRSTNAME"}, {"Florence": 0.4}), "1", base)
    assert [e.label for e in predictor.predict_sync(text, "en").entities] == ["FIRSTNAME"]


@pytest.mark.parametrize(("outside", "count"), [(0.98, 3), (1.0, 1)])
def test_the_other_places_of_a_found_value_are_found_unless_the_crf_is_certain(outside: float, count: int) -> None:
    text = "Ann came. Ann left. ann? Annie and Ann."
    predictor = CrfPredictor(LABELS, FixedTagger({"Ann@0": "B-FIRSTNAME"}, {"Ann": outside}), "1")
    found = predictor.predict_sync(text, "en").entities
    assert [text[e.start : e.end] for e in found] == ["Ann"] * count
    assert {e.label for e in found} == {"FIRSTNAME"}


@pytest.mark.parametrize("text", ["Town: Rye", "New town = Rye", "Town\nRye", "- home town – Rye"])
def test_a_value_knows_the_name_of_its_field(text: str) -> None:
    tokens, rows = describe_text(text, "en", ())
    value = rows[-1]
    assert text[slice(*tokens[-1])] == "Rye"
    assert {"f=town", "pl=town"} & set(value)
    assert not {"f=town", "pl=town"} & set(rows[0])


@given(samples())
def test_features_of_a_text_follow_from_its_tokens(sample: Sample) -> None:
    tokens, rows = describe_text(sample.text, sample.language, sample.annotations[0].entities)
    for start, end in tokens[:5]:
        inside = find_places(tokens, start, end)
        assert [tokens[place] for place in inside] == [(start, end)]
    assert rows == describe_text(sample.text, sample.language, sample.annotations[0].entities)[1]


def test_names_that_stand_thousands_of_times_keep_their_features() -> None:
    text = "Maria met Tom. " * 3000
    spans = [(start, end) for start, end in find_tokens(text) if text[start:end] in ("Maria", "Tom")]
    beneath = [Entity(start, end, "FIRSTNAME") for start, end in spans]
    _, rows = describe_text(text, "en", beneath)
    predictor = CrfPredictor(LABELS, FixedTagger({}, {"Maria": 0.1, "Tom": 0.1}), "1")
    found = predictor.correct(TextInput(text), Annotation(Author.model("base"), tuple(beneath)))
    assert [e.span for e in found.entities] == [e.span for e in beneath]
    assert "rm=B-FIRSTNAME|B-FIRSTNAME" in rows[0]


def test_labels_can_be_kept_whole() -> None:
    trained = train_crf(make_examples([make_sample(n) for n in range(20)], None), CrfSettings(keep="CITY,AGE"))
    assert {"CITY", "AGE"} <= set(trained.from_base)
    text = "We met in Bad Ems"
    base = FixedPredictor({text: (Entity(10, 17, "CITY"),)})
    predictor = CrfPredictor(LABELS, FixedTagger({}, {}), "1", base, trained.from_base)
    assert [e.span for e in predictor.predict_sync(text, "en").entities] == [(10, 17, "CITY")]


@pytest.fixture
def artifact(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    labels_file = tmp_path / "labels.toml"
    labels_file.write_text(TOML)
    monkeypatch.setenv("GOLDSPAN_LABELS", str(labels_file))
    make_bundle(tmp_path / "data" / "bundles" / "v1", 60)
    options = {"base": "regex", "least": 0}
    return fit("crf", None, options, name="first", data=tmp_path / "data").folder


def test_the_method_makes_an_artifact_that_opens_like_every_predictor(artifact: Path) -> None:
    predictor = open_predictor(artifact, LABELS)
    right, total = count_right(predictor, range(500, 520))
    assert right > 0.8 * total
    assert predictor.model_version.startswith("crf-")
    assert (artifact / "model.crfsuite").stat().st_mode & 0o077 == 0


def test_what_is_held_out_never_fills_the_training_set(artifact: Path, tmp_path: Path) -> None:
    workspace = Workspace(tmp_path / "data")
    held_out = [replace(make_sample(number), annotations=()) for number in range(60)]
    free = [replace(make_sample(number), annotations=()) for number in (600, 601)]
    ledger = {make_sample(600).sample_id: LedgerEntry("test", "v0")}
    write_ledger(find_ledger(workspace), SplitLedger(ledger))
    write_samples(workspace.training_samples / "pool.jsonl", [*held_out, *free], LABELS)
    made = fit("crf", None, {"base": "regex", "least": 500}, name="filled", data=workspace.root)
    assert made.record["details"]["unreviewed"] == 1
    assert made.record["training"]["documents"] == made.record["details"]["reviewed"] < 60


def test_a_model_that_is_not_the_recorded_one_is_not_opened(artifact: Path) -> None:
    with (artifact / "model.crfsuite").open("ab") as stream:
        stream.write(b"x")
    with pytest.raises(StateError, match="not the file that was recorded"):
        open_predictor(artifact, LABELS)


@pytest.mark.parametrize(
    ("predictor", "base"),
    [
        ("schema", "schema"),
        ("regex+rampart", "regex+rampart"),
        ("", "regex"),
        ("llm", "regex"),
        ("regex+models/pii-v2", "regex"),
    ],
)
def test_a_project_names_what_a_first_model_stands_on(predictor: str, base: str) -> None:
    assert name_base(Project(Path(), "", Path(), Path(), predictor=predictor)) == base
    assert name_base(None) == "regex"


@pytest.mark.parametrize("base", ["llm", "crf", "models/other", "regex+nobody"])
def test_a_base_is_a_predictor_of_this_machine_by_name(artifact: Path, base: str) -> None:
    settings = artifact / SETTINGS_FILE
    settings.write_text(settings.read_text().replace('"regex"', f'"{base}"'))
    with pytest.raises(ConfigurationError):
        open_predictor(artifact, LABELS)
