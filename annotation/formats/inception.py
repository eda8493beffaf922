"""Write samples for INCEpTION: WebAnno TSV 3.3 and UIMA CAS JSON, a file for each. Offsets count UTF-16 code units."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from itertools import accumulate, count, pairwise
from pathlib import Path
from typing import Any

import orjson

from goldspan.annotation.formats.documents import write_documents
from goldspan.annotation.formats.loss import ExportReport, LossCounter
from goldspan.annotation.formats.tokens import Token, find_range, split_tokens
from goldspan.annotation.identity import identify_sample
from goldspan.annotation.types import Annotation, Entity, Mention, Sample, sort_spans

_TYPES = "de.tudarmstadt.ukp.dkpro.core.api"
_ENTITY = f"{_TYPES}.ner.type.NamedEntity"
_LINK = f"{_TYPES}.coref.type.CoreferenceLink"
_CHAIN = f"{_TYPES}.coref.type.CoreferenceChain"
_METADATA = f"{_TYPES}.metadata.type.DocumentMetaData"
_SENTENCE, _TOKEN = f"{_TYPES}.segmentation.type.Sentence", f"{_TYPES}.segmentation.type.Token"
_TSV_HEADER = (
    "#FORMAT=WebAnno TSV 3.3",
    f"#T_SP={_ENTITY}|value",
    f"#T_CH={_LINK}|referenceRelation|referenceType",
    "",
)
_RESERVED = {mark: f"\\{mark}" for mark in "\\[]|_;*"}
_CONTROLS = {"\\": r"\\", "\n": r"\n", "\r": r"\r", "\t": r"\t"}


def write_webanno(folder: Path, samples: Iterable[Sample]) -> ExportReport:
    """Write a `.tsv` file for each sample and return the loss report; clusters are coreference chains.

    Raises:
        StateError: the disk refused.
    """
    return write_documents(folder, samples, _encode_tsv)


def write_cas(folder: Path, samples: Iterable[Sample]) -> ExportReport:
    """Write a CAS as JSON for each sample and return the loss report; clusters are coreference chains.

    Raises:
        StateError: the disk refused.
    """
    return write_documents(folder, samples, _encode_cas)


def _encode_tsv(sample: Sample, best: Annotation | None, losses: LossCounter) -> dict[str, bytes]:
    text = sample.text
    losses.lose_details(best)
    losses.lose_context(sample)
    chains = _make_chains(best, losses)
    spans: list[Entity | Mention] = [*(best.entities if best else ()), *(m for members in chains for m in members)]
    tokens = split_tokens(text, (border for span in spans for border in (span.start, span.end)))
    losses.lose("edge_whitespace", sum(text[s.start : s.end] != text[s.start : s.end].strip() for s in spans))
    losses.lose("text_form", not tokens or bool(text[: tokens[0].start].strip("\n")))
    units = _count_units(text)
    cells = _make_cells(tokens, best.entities if best else (), chains)
    lines = list(_TSV_HEADER)
    for number, (low, high) in enumerate(_split_sentences(text, tokens, spans), start=1):
        last = high == len(tokens)
        stated = text[tokens[low].start :] if last else text[tokens[low].start : tokens[high].start].rstrip("\n")
        lines += ["", f"#Text={_escape(stated, _CONTROLS)}"]
        for place, token in enumerate(tokens[low:high], start=1):
            columns = (f"{number}-{place}", f"{units[token.start]}-{units[token.end]}", text[token.start : token.end])
            lines.append("\t".join((*columns, *cells[low + place - 1], "")))
    return {".tsv": "\n".join([*lines, ""]).encode()}


def _count_units(text: str) -> list[int]:
    """The offset in UTF-16 code units of every place of a text, its end included."""
    return list(accumulate((1 + (character > "\uffff") for character in text), initial=0))


def _make_chains(best: Annotation | None, losses: LossCounter) -> list[list[Mention]]:
    clusters: defaultdict[str, list[Mention]] = defaultdict(list)
    for mention in sort_spans(best.mentions) if best else ():
        losses.lose("single_mentions", not mention.cluster)
        if mention.cluster:
            clusters[mention.cluster].append(mention)
    return list(clusters.values())


def _make_cells(
    tokens: list[Token], entities: Sequence[Entity], chains: Sequence[Sequence[Mention]]
) -> list[tuple[str, str, str]]:
    """The columns of each token: entity, link of a chain, kind of mention. Stacked annotations are numbered."""
    labels: list[list[str]] = [[] for _ in tokens]
    links: list[list[str]] = [[] for _ in tokens]
    kinds: list[list[str]] = [[] for _ in tokens]
    for number, entity in enumerate(entities, start=1):
        for place in range(*find_range(tokens, entity.start, entity.end)):
            labels[place].append(f"{_escape(entity.label, _RESERVED)}[{number}]")
    for number, members in enumerate(chains, start=1):
        for rank, mention in enumerate(members, start=1):
            for place in range(*find_range(tokens, mention.start, mention.end)):
                links[place].append(f"*->{number}-{rank}")
                kinds[place].append(f"{_escape(mention.label, _RESERVED)}[{number}]")
    return [
        ("|".join(label) or "_", "|".join(link) or "_", "|".join(kind) or "_")
        for label, link, kind in zip(labels, links, kinds, strict=True)
    ]


def _split_sentences(text: str, tokens: Sequence[Token], spans: Iterable[Entity | Mention]) -> list[tuple[int, int]]:
    """Ranges of tokens between line breaks that no span reaches over."""
    inside = {place for span in spans for place in range(span.start + 1, span.end)}
    cuts = [
        number
        for number, (one, other) in enumerate(pairwise(tokens), start=1)
        if "\n" in text[one.end : other.start] and other.start not in inside
    ]
    return list(pairwise([0, *cuts, len(tokens)])) if tokens else []


def _escape(value: str, marks: dict[str, str]) -> str:
    return "".join(marks.get(character, character) for character in value)


def _encode_cas(sample: Sample, best: Annotation | None, losses: LossCounter) -> dict[str, bytes]:
    losses.lose_details(best)
    losses.lose_context(sample)
    text, units, ids = sample.text, _count_units(sample.text), count(2)
    name = identify_sample(sample)
    sofa = {"sofaNum": 1, "sofaID": "_InitialView", "mimeType": "text", "sofaString": text}
    structures: list[dict[str, Any]] = [{"%ID": 1, "%TYPE": "uima.cas.Sofa", **sofa}]

    def add(kind: str, start: int, end: int, **features: Any) -> dict[str, Any]:
        place = {"@sofa": 1, "begin": units[start], "end": units[end]}
        structures.append({"%ID": next(ids), "%TYPE": kind, **place, **features})
        return structures[-1]

    metadata = {"documentId": name, "documentTitle": name, "isLastSegment": False}
    add(_METADATA, 0, len(text), language=sample.language or "x-unspecified", **metadata)
    tokens = split_tokens(text)
    spans: list[Entity | Mention] = [*best.entities, *best.mentions] if best else []
    for low, high in _split_sentences(text, tokens, spans):
        add(_SENTENCE, tokens[low].start, tokens[high - 1].end)
    for token in tokens:
        add(_TOKEN, token.start, token.end)
    for entity in best.entities if best else ():
        add(_ENTITY, entity.start, entity.end, value=entity.label)
    for members in _make_chains(best, losses):
        links = [add(_LINK, mention.start, mention.end, referenceType=mention.label) for mention in members]
        for link, following in pairwise(links):
            link["@next"] = following["%ID"]
        structures.append({"%ID": next(ids), "%TYPE": _CHAIN, "@first": links[0]["%ID"]})
    view = {"%SOFA": 1, "%INDEX": 2, "%MEMBERS": [item["%ID"] for item in structures[1:]]}
    cas = {"%TYPES": _declare_types(), "%FEATURE_STRUCTURES": structures, "%VIEWS": {"_InitialView": view}}
    return {".json": orjson.dumps(cas, option=orjson.OPT_INDENT_2)}


def _declare_types() -> dict[str, Any]:
    """DKPro's types, for a reader that does not have them."""
    text, flag, span = "uima.cas.String", "uima.cas.Boolean", "uima.tcas.Annotation"
    types = {
        _METADATA: (
            "uima.tcas.DocumentAnnotation",
            {"documentTitle": text, "documentId": text, "isLastSegment": flag},
        ),
        _SENTENCE: (span, {}),
        _TOKEN: (span, {}),
        _ENTITY: (span, {"value": text}),
        _LINK: (span, {"next": _LINK, "referenceType": text}),
        _CHAIN: ("uima.cas.AnnotationBase", {"first": _LINK}),
    }
    return {
        name: {"%NAME": name, "%SUPER_TYPE": parent}
        | {feature: {"%NAME": feature, "%RANGE": kind} for feature, kind in features.items()}
        for name, (parent, features) in types.items()
    }
