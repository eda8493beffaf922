"""Pairs of annotations of one text: what is compared."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from goldspan.annotation.errors import InputError
from goldspan.annotation.identity import digest, hash_text
from goldspan.annotation.labels.schema import LabelSchema
from goldspan.annotation.tasks.jsonl import OnError, raise_error
from goldspan.annotation.tasks.store import read_samples
from goldspan.annotation.types import IMPORTED, Annotation, Author, Entity, Sample
from goldspan.annotation.wording import format_count
from goldspan.evaluation.matching.annotations import parse_time

Source = str | Path | Iterable[Sample]
"""Samples, or the file or folder that holds them."""

_UNREVIEWED = "it has no annotation in gold; let a person review it"
_OUTSIDE = "a span of its gold does not lie inside the text"
_EMPTY = Annotation(Author.model("nothing"))


@dataclass(frozen=True, slots=True)
class Document:
    """One text with its gold annotation and the prediction that is measured against it.

    `failure` says why a predictor gave no annotation; the prediction is then empty and counts as nothing found.
    """

    sample_id: str
    text: str
    gold: Annotation
    predicted: Annotation
    language: str = ""
    country: str = ""
    document_type: str = ""
    failure: str = ""

    def with_prediction(self, entities: Iterable[Entity], model: str) -> Document:
        """The same text and gold with another prediction."""
        return replace(self, predicted=Annotation(Author.model(model), tuple(entities)), failure="")


@dataclass(frozen=True, slots=True)
class Exclusion:
    """A sample that is not scored, and why."""

    sample_id: str
    reason: str


@dataclass(frozen=True, slots=True)
class Pairing:
    """The documents of a comparison, by sample id, so that nothing depends on the order of files.

    `gold_source` and `predicted_source` say what was compared: `review`, `prediction`, `mixed` or `none`.
    """

    documents: tuple[Document, ...]
    exclusions: tuple[Exclusion, ...]
    gold_source: str
    predicted_source: str
    model: str


def read_pairing(
    gold: Source, predicted: Source | None, labels: LabelSchema, *, model: str = "", on_error: OnError = raise_error
) -> Pairing:
    """Read gold and predictions and pair them; without predictions every document gets an empty one.

    Both may be the same: gold is then its reviews and the prediction its newest one, of `model` if given.

    Raises:
        InputError: a file cannot be read, or nothing in the two can be paired.
    """
    samples = open_samples(gold, labels, on_error)
    if predicted is None:
        pairing = pair_gold(samples)
    elif predicted is gold or predicted == gold:
        both = list(samples)
        pairing = pair_samples(both, both, model)
    else:
        pairing = pair_samples(samples, open_samples(predicted, labels, on_error), model)
    if not pairing.documents:
        examples = {exclusion.reason: exclusion.sample_id for exclusion in reversed(pairing.exclusions)}
        counts = Counter(exclusion.reason for exclusion in pairing.exclusions).most_common(3)
        reasons = "; ".join(
            f"{reason} ({format_count(count, 'sample')}, such as {examples[reason]})" for reason, count in counts
        )
        raise InputError(f"Nothing can be scored: {reasons or 'there are no samples'}.")
    return pairing


def open_samples(source: Source, labels: LabelSchema, on_error: OnError = raise_error) -> Iterable[Sample]:
    """The samples themselves, or those of a file or folder."""
    return read_samples(source, labels, on_error) if isinstance(source, str | Path) else source


def pair_samples(gold: Iterable[Sample], predicted: Iterable[Sample], model: str = "") -> Pairing:
    """Pair gold and predictions by sample id, and what is left by the text, if it stands once on each side.

    Gold is a sample's best annotation (`Sample.best`). The prediction is the newest one (of the model version `model`,
    if given), else the newest review. A sample of the predictions without any annotation, as `goldspan annotate`
    writes where the predictor failed, counts as nothing found. What has no partner, or would be compared with itself
    is excluded.
    """
    golds, exclusions = _index(gold, "gold")
    predictions, more = _index(predicted, "the predictions")
    exclusions += more
    predictions = _rename_by_text(golds, predictions)
    documents: list[Document] = []
    for sample_id, sample in golds.items():
        partner = predictions.get(sample_id)
        annotation = choose_prediction(partner, model) if partner else None
        if _leaves_text(sample):
            exclusions.append(Exclusion(sample_id, _OUTSIDE))
        elif sample.best is not None and partner and partner is not sample and not partner.annotations:
            failed = make_document(sample, sample.best, _EMPTY)
            documents.append(replace(failed, failure="the predictions hold no annotation of it"))
        elif partner is None or annotation is None or sample.best is None:
            exclusions.append(Exclusion(sample_id, _explain(sample, partner, model)))
        elif partner.text != sample.text:
            exclusions.append(
                Exclusion(sample_id, "the texts of gold and prediction differ; export both from one version")
            )
        elif annotation == sample.best and (partner is sample or annotation.author != IMPORTED):
            exclusions.append(Exclusion(sample_id, "its gold is the prediction itself; let a person review it first"))
        else:
            documents.append(make_document(sample, sample.best, annotation))
    exclusions += [Exclusion(name, "it is predicted but not in gold") for name in predictions if name not in golds]
    return Pairing(
        documents=_sort(documents),
        exclusions=tuple(exclusions),
        gold_source=_name_source(document.gold for document in documents),
        predicted_source=_name_source(document.predicted for document in documents if not document.failure),
        model=model or _name_models(documents),
    )


def pair_gold(gold: Iterable[Sample]) -> Pairing:
    """Gold alone, each document with an empty prediction, for a predictor to fill."""
    golds, exclusions = _index(gold, "gold")
    documents = []
    for name, sample in golds.items():
        if sample.best is None or _leaves_text(sample):
            exclusions.append(Exclusion(name, _OUTSIDE if sample.best else _UNREVIEWED))
        else:
            documents.append(make_document(sample, sample.best, _EMPTY))
    return Pairing(
        documents=_sort(documents),
        exclusions=tuple(exclusions),
        gold_source=_name_source(document.gold for document in documents),
        predicted_source="none",
        model="",
    )


def make_document(sample: Sample, gold: Annotation, predicted: Annotation) -> Document:
    """Two annotations of one sample."""
    return Document(
        sample_id=sample.sample_id,
        text=sample.text,
        gold=gold,
        predicted=predicted,
        language=sample.language,
        country=sample.country,
        document_type=sample.document_type,
    )


def choose_prediction(sample: Sample, model: str = "") -> Annotation | None:
    """The newest prediction, of the model version `model` if given; without any, the newest review.

    Where one of them does not say its time, the last one is taken: predictions are added at the end.
    """
    candidates = [p for p in sample.predictions if not model or p.author.name == model]
    if not candidates and not model:
        candidates = list(sample.reviews)
    times = [parse_time(annotation.updated_at or annotation.created_at) for annotation in candidates]
    known = [(time, place) for place, time in enumerate(times) if time]
    if not candidates:
        return None
    return candidates[max(known)[1] if len(known) == len(candidates) else -1]


def fingerprint_gold(documents: Iterable[Document]) -> str:
    """Twelve hex digits over texts and gold spans; the order of the documents does not matter."""
    rows = sorted(
        [document.sample_id, hash_text(document.text), sorted([*entity.span] for entity in document.gold.entities)]
        for document in documents
    )
    return digest(rows)


def _index(samples: Iterable[Sample], side: str) -> tuple[dict[str, Sample], list[Exclusion]]:
    known: dict[str, Sample] = {}
    exclusions: list[Exclusion] = []
    for sample in samples:
        if sample.sample_id in known:
            exclusions.append(Exclusion(sample.sample_id, f"it is twice in {side}; the first one counts"))
        else:
            known[sample.sample_id] = sample
    return known, exclusions


def _rename_by_text(golds: Mapping[str, Sample], predictions: Mapping[str, Sample]) -> dict[str, Sample]:
    """The predictions under the ids of gold; files without ids get others where they give another language."""
    wanted = _name_texts(sample for name, sample in golds.items() if name not in predictions)
    given = _name_texts(sample for name, sample in predictions.items() if name not in golds)
    renamed = {name: wanted[text] for text, name in given.items() if text in wanted}
    return {renamed.get(name, name): sample for name, sample in predictions.items()}


def _name_texts(samples: Iterable[Sample]) -> dict[str, str]:
    """The sample id of each text that stands once."""
    listed = [(sample.text, sample.sample_id) for sample in samples]
    counts = Counter(text for text, _ in listed)
    return {text: name for text, name in listed if counts[text] == 1}


def _leaves_text(sample: Sample) -> bool:
    spans = sample.best.entities if sample.best else ()
    return any(not 0 <= span.start < span.end <= len(sample.text) for span in spans)


def _sort(documents: Iterable[Document]) -> tuple[Document, ...]:
    return tuple(sorted(documents, key=lambda document: document.sample_id))


def _explain(sample: Sample, partner: Sample | None, model: str) -> str:
    if sample.best is None:
        return _UNREVIEWED
    if partner is None:
        return "it is in gold but not predicted"
    return f"it has no prediction by {model}" if model else "it has no annotation among the predictions"


def _name_source(annotations: Iterable[Annotation]) -> str:
    kinds = {"prediction" if annotation.author.is_model else "review" for annotation in annotations}
    return kinds.pop() if len(kinds) == 1 else "mixed" if kinds else "none"


def _name_models(documents: Sequence[Document]) -> str:
    return ", ".join(sorted({document.predicted.author.name for document in documents if not document.failure}))
