"""Write samples in the JSON shapes of other tools and libraries; `goldspan.annotation.formats.rows` reads them back."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import orjson

from goldspan.annotation.errors import TaggedTextError
from goldspan.annotation.files import AtomicFile
from goldspan.annotation.formats.loss import ExportReport, LossCounter
from goldspan.annotation.formats.tags import join_tokens
from goldspan.annotation.formats.tokens import find_range, split_tokens
from goldspan.annotation.identity import identify_sample
from goldspan.annotation.labels.schema import LabelSchema
from goldspan.annotation.names import name_language
from goldspan.annotation.tasks.codec import encode_task
from goldspan.annotation.text.tagged import render_tagged
from goldspan.annotation.types import Annotation, Entity, Sample

Encode = Callable[[Sample, Annotation | None, LossCounter], dict[str, Any]]


def write_lines(path: Path, samples: Iterable[Sample], encode: Encode) -> ExportReport:
    """Write one JSON object per line and return the loss report."""
    losses = LossCounter()
    with AtomicFile(path) as stream:
        for sample in samples:
            row = encode(sample, _take_best(sample, losses), losses)
            stream.write(orjson.dumps(row, option=orjson.OPT_APPEND_NEWLINE))
    return losses.report()


def write_list(path: Path, samples: Iterable[Sample], encode: Encode) -> ExportReport:
    """Write one JSON list of objects and return the loss report."""
    losses = LossCounter()
    with AtomicFile(path) as stream:
        stream.write(b"[")
        for number, sample in enumerate(samples):
            row = encode(sample, _take_best(sample, losses), losses)
            stream.write((b",\n" if number else b"\n") + orjson.dumps(row))
        stream.write(b"\n]\n")
    return losses.report()


def write_studio(path: Path, samples: Iterable[Sample], labels: LabelSchema) -> ExportReport:
    """Write tasks as a list that Label Studio imports, with every annotation; nothing is lost."""
    losses = LossCounter()
    with AtomicFile(path) as stream:
        stream.write(b"[")
        for number, sample in enumerate(samples):
            losses.samples += 1
            stream.write((b",\n" if number else b"\n") + orjson.dumps(encode_task(sample, labels)))
        stream.write(b"\n]\n")
    return losses.report()


def _take_best(sample: Sample, losses: LossCounter) -> Annotation | None:
    best = losses.take_best(sample)
    losses.lose_details(best)
    return best


def _lose_layers(sample: Sample, best: Annotation | None, losses: LossCounter, *, language: bool = True) -> None:
    losses.lose("mentions", bool(best and best.mentions))
    losses.lose_context(sample, language=language)


def encode_flat(sample: Sample, best: Annotation | None, losses: LossCounter) -> dict[str, Any]:
    """Flat JSON: entities and mentions with offsets; nothing of the annotation is lost."""
    return {
        "id": identify_sample(sample),
        "text": sample.text,
        "language": sample.language,
        "country": sample.country,
        "document_type": sample.document_type,
        "author": {"kind": best.author.kind, "name": best.author.name} if best else None,
        "entities": [
            {"start": e.start, "end": e.end, "label": e.label, "value": sample.text[e.start : e.end]}
            for e in (best.entities if best else ())
        ],
        "mentions": [
            {"start": m.start, "end": m.end, "kind": m.label, "cluster": m.cluster}
            for m in (best.mentions if best else ())
        ],
        "provenance": dict(sample.provenance),
    }


def encode_prodigy(sample: Sample, best: Annotation | None, losses: LossCounter) -> dict[str, Any]:
    """A Prodigy task with tokens; an annotated sample is an accepted one."""
    _lose_layers(sample, best, losses)
    entities = losses.flatten(best)
    tokens = split_tokens(sample.text, (border for entity in entities for border in (entity.start, entity.end)))
    row: dict[str, Any] = {
        "text": sample.text,
        "tokens": [
            {"text": sample.text[t.start : t.end], "start": t.start, "end": t.end, "id": n}
            for n, t in enumerate(tokens)
        ],
        "meta": {"id": identify_sample(sample)},
    }
    if best is None:
        return row
    spans = []
    for entity in entities:
        low, high = find_range(tokens, entity.start, entity.end)
        place = {"start": entity.start, "end": entity.end, "label": entity.label}
        spans.append(place | {"token_start": low, "token_end": max(low, high - 1)})
    return row | {"spans": spans, "answer": "accept"}


def encode_doccano(sample: Sample, best: Annotation | None, losses: LossCounter) -> dict[str, Any]:
    """Doccano's sequence labelling: `label` as `[start, end, label]`."""
    _lose_layers(sample, best, losses)
    entities = best.entities if best else ()
    return {"id": identify_sample(sample), "text": sample.text, "label": [[e.start, e.end, e.label] for e in entities]}


def encode_argilla(sample: Sample, best: Annotation | None, losses: LossCounter) -> dict[str, Any]:
    """Argilla's token classification records (version 1)."""
    _lose_layers(sample, best, losses)
    entities = losses.flatten(best)
    tokens = split_tokens(sample.text, (border for entity in entities for border in (entity.start, entity.end)))
    spans = [{"label": e.label, "start": e.start, "end": e.end} for e in entities]
    by_model = best is not None and best.author.is_model
    name = best.author.name if best else None
    return {
        "id": identify_sample(sample),
        "text": sample.text,
        "tokens": [sample.text[token.start : token.end] for token in tokens],
        "prediction": spans if by_model else None,
        "prediction_agent": name if by_model else None,
        "annotation": spans if best and not by_model else None,
        "annotation_agent": name if best and not by_model else None,
        "status": "Validated" if best and not by_model else "Default",
    }


def encode_spacy(sample: Sample, best: Annotation | None, losses: LossCounter) -> dict[str, Any]:
    """SpaCy's `entities` tuples."""
    _lose_layers(sample, best, losses)
    return {"text": sample.text, "entities": [[e.start, e.end, e.label] for e in losses.flatten(best)]}


def encode_json_min(sample: Sample, best: Annotation | None, losses: LossCounter) -> dict[str, Any]:
    """Label Studio's JSON-MIN."""
    _lose_layers(sample, best, losses)
    row = {"id": identify_sample(sample), "text": sample.text}
    if best is None:
        return row
    spans = [
        {"start": e.start, "end": e.end, "text": sample.text[e.start : e.end], "labels": [e.label]}
        for e in best.entities
    ]
    return row | {
        "label": spans,
        "annotator": best.author.name,
        "annotation_id": best.id or 1,
        "lead_time": best.lead_time,
    }


def encode_ai4privacy(sample: Sample, best: Annotation | None, losses: LossCounter) -> dict[str, Any]:
    """AI4Privacy's `source_text`, `target_text` and `privacy_mask`."""
    _lose_layers(sample, best, losses, language=False)
    entities = losses.flatten(best)
    pieces: list[str] = []
    cursor = 0
    for entity in entities:
        pieces += (sample.text[cursor : entity.start], f"[{entity.label}]")
        cursor = entity.end
    return {
        "source_text": sample.text,
        "target_text": "".join([*pieces, sample.text[cursor:]]),
        "privacy_mask": [_encode_value(sample.text, entity) for entity in entities],
        "language": name_language(sample.language),
        "id": identify_sample(sample),
    }


def _encode_value(text: str, entity: Entity) -> dict[str, Any]:
    return {"value": text[entity.start : entity.end], "start": entity.start, "end": entity.end, "label": entity.label}


def encode_presidio(sample: Sample, best: Annotation | None, losses: LossCounter) -> dict[str, Any]:
    """presidio-research's input samples."""
    _lose_layers(sample, best, losses)
    spans = [
        {
            "entity_type": e.label,
            "entity_value": sample.text[e.start : e.end],
            "start_position": e.start,
            "end_position": e.end,
        }
        for e in losses.flatten(best)
    ]
    return {"full_text": sample.text, "masked": None, "spans": spans, "template_id": None, "metadata": None}


def encode_tokens(sample: Sample, best: Annotation | None, losses: LossCounter) -> dict[str, Any]:
    """Hugging Face's `tokens` and `ner_tags` with BIO names."""
    _lose_layers(sample, best, losses)
    entities = losses.flatten(best)
    tokens, words = _split_words(sample, entities, losses)
    tags = ["O"] * len(tokens)
    for entity in entities:
        low, high = find_range(tokens, entity.start, entity.end)
        for number in range(low, high):
            tags[number] = f"{'B' if number == low else 'I'}-{entity.label}"
    return {"id": identify_sample(sample), "tokens": words, "ner_tags": tags}


def encode_gliner(sample: Sample, best: Annotation | None, losses: LossCounter) -> dict[str, Any]:
    """GLiNER's `tokenized_text` and `ner`: first and last token, both included."""
    _lose_layers(sample, best, losses)
    entities = losses.flatten(best)
    tokens, words = _split_words(sample, entities, losses)
    ranges = [(*find_range(tokens, entity.start, entity.end), entity.label) for entity in entities]
    return {"tokenized_text": words, "ner": [[low, high - 1, label] for low, high, label in ranges if high > low]}


def _split_words(sample: Sample, entities: Iterable[Entity], losses: LossCounter) -> tuple[list[Any], list[str]]:
    tokens = split_tokens(sample.text, (border for entity in entities for border in (entity.start, entity.end)))
    words = [sample.text[token.start : token.end] for token in tokens]
    losses.lose("text_form", join_tokens(words)[0] != sample.text)
    return list(tokens), words


def encode_tagged(sample: Sample, best: Annotation | None, losses: LossCounter) -> dict[str, Any]:
    """Goldspan's tagged text; spans that cross others are left out."""
    losses.lose("provenance", bool(sample.provenance))
    entities = losses.flatten(best)
    mentions = best.mentions if best else ()
    try:
        tagged = render_tagged(sample.text, entities, mentions)
    except TaggedTextError:
        losses.lose("mentions")
        tagged = render_tagged(sample.text, entities)
    facts = {"language": sample.language, "country": sample.country, "document_type": sample.document_type}
    row = {"sample_id": identify_sample(sample), **{name: value for name, value in facts.items() if value}}
    return row | ({"tagged_text": tagged} if best else {"text": sample.text})
