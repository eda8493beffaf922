"""spaCy's DocBin: entities as `doc.ents`, clusters as span groups `coref_clusters_…`, offsets exact.

`doc.text` is the verbatim text. spaCy's entities may not overlap: the outermost are in `doc.ents`,
all of them in the span group `entities`. Mentions without a cluster are in the span group `mentions`.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from goldspan.annotation.errors import ConfigurationError, InputError
from goldspan.annotation.files import write_atomic
from goldspan.annotation.formats.loss import ExportReport, LossCounter, keep_outermost
from goldspan.annotation.formats.rows.raw import RawAnnotation, RawCluster, RawRow, RawSpan
from goldspan.annotation.formats.tokens import Token, find_range, split_tokens
from goldspan.annotation.identity import identify_sample, make_sample_id
from goldspan.annotation.labels.schema import LabelSchema
from goldspan.annotation.text.words import trim_span
from goldspan.annotation.types import IMPORTED, Annotation, Author, Entity, Mention, S, Sample, sort_spans

if TYPE_CHECKING:
    from spacy.tokens import Doc, Span
    from spacy.vocab import Vocab

_CLUSTER = "coref_clusters_"
_FIELD = "goldspan"
_LARGEST = 512 * 1024 * 1024
"""Bytes of a DocBin once it is decompressed."""


def write_docbin(path: Path, samples: Iterable[Sample]) -> ExportReport:
    """Write the best annotation of each sample and return the loss report.

    Raises:
        ConfigurationError: spaCy is not installed.
    """
    spacy = _import_spacy()
    vocab = spacy.vocab.Vocab()
    losses = LossCounter()
    binary = spacy.tokens.DocBin(attrs=["ENT_IOB", "ENT_TYPE", "SPACY"], store_user_data=True)
    for sample in samples:
        binary.add(make_doc(sample, vocab, losses))
    write_atomic(path, binary.to_bytes())
    return losses.report()


def read_docbin_rows(path: Path, labels: LabelSchema) -> Iterator[Sample | RawRow]:
    """Samples of the Docs that Goldspan wrote, rows of all others: their labels may be mapped.

    Raises:
        ConfigurationError: spaCy is not installed.
        InputError: the file is not a DocBin, or too large.
    """
    for doc in _read_docs(path):
        found = doc.spans.get("entities", doc.ents)
        known = all(span.label_ in labels for span in found)
        if _FIELD in doc.user_data and known:
            yield read_doc(doc, labels)
            continue
        spans = tuple(RawSpan((span.label_,), span.start_char, span.end_char) for span in found)
        clusters = tuple(
            RawCluster((), tuple((span.start_char, span.end_char, "") for span in group))
            for name, group in doc.spans.items()
            if name.startswith(_CLUSTER)
        )
        yield RawRow(doc.text, (RawAnnotation(spans, clusters),))


def _read_docs(path: Path) -> list[Doc]:
    spacy = _import_spacy()
    try:
        data = path.read_bytes()
        if len(zlib.decompressobj().decompress(data, _LARGEST + 1)) > _LARGEST:
            raise InputError(f"{path} holds more than {_LARGEST >> 20} MiB. Split it.")
        return list(spacy.tokens.DocBin().from_bytes(data).get_docs(spacy.vocab.Vocab()))
    except (OSError, ValueError, KeyError, TypeError, AttributeError, zlib.error) as error:
        raise InputError(f"{path} is not a DocBin that spaCy can read ({type(error).__name__}).") from None


def make_doc(sample: Sample, vocab: Vocab, losses: LossCounter) -> Doc:
    """Make the Doc of a sample's best annotation."""
    from spacy.tokens import Doc

    best = losses.take_best(sample)
    losses.lose_details(best)
    entities = _trim(sample.text, best.entities if best else (), losses)
    mentions = _trim(sample.text, best.mentions if best else (), losses)
    spans: list[Entity | Mention] = [*entities, *mentions]
    tokens = split_tokens(sample.text, (border for span in spans for border in (span.start, span.end)))
    words, spaces, places = _fill_gaps(sample.text, tokens)
    doc = Doc(vocab, words=words, spaces=spaces)
    doc.ents = [_make_span(doc, places, span) for span in keep_outermost(entities)]
    if entities:
        doc.spans["entities"] = [_make_span(doc, places, span) for span in entities]
    groups: dict[str, list[Any]] = {}
    for mention in mentions:
        name = f"{_CLUSTER}{mention.cluster}" if mention.cluster else "mentions"
        groups.setdefault(name, []).append(_make_span(doc, places, mention))
    for name, group in groups.items():
        doc.spans[name] = group
    doc.user_data[_FIELD] = {
        "sample_id": identify_sample(sample),
        "language": sample.language,
        "country": sample.country,
        "document_type": sample.document_type,
        "provenance": dict(sample.provenance),
        "author": [best.author.kind, best.author.name] if best else [],
    }
    return doc


def read_doc(doc: Doc, labels: LabelSchema) -> Sample:
    """The sample of a Doc.

    Raises:
        InputError: a label is not in the label schema.
    """
    metadata: dict[str, Any] = doc.user_data.get(_FIELD) or {}
    found = doc.spans.get("entities", doc.ents)
    entities = sort_spans(Entity(span.start_char, span.end_char, span.label_) for span in found)
    mentions = sort_spans(
        Mention(span.start_char, span.end_char, span.label_ or "MENTION", name.removeprefix(_CLUSTER))
        for name, group in doc.spans.items()
        if name.startswith(_CLUSTER)
        for span in group
    )
    single = doc.spans.get("mentions", ())
    mentions = sort_spans([*mentions, *(Mention(span.start_char, span.end_char, span.label_) for span in single)])
    spans: list[Entity | Mention] = [*entities, *mentions]
    for label in {span.label for span in spans} - (labels.entity_codes | labels.mention_codes):
        raise InputError(f"The label {label!r} of a Doc is not in the label schema.")
    language = str(metadata.get("language", ""))
    author = Author(*metadata["author"]) if metadata.get("author") else IMPORTED
    unannotated = "author" in metadata and not metadata["author"]
    return Sample(
        doc.text,
        language,
        str(metadata.get("country", "")),
        str(metadata.get("document_type", "")),
        () if unannotated else (Annotation(author, entities, mentions),),
        metadata.get("provenance", {}),
        str(metadata.get("sample_id") or make_sample_id(doc.text, language)),
    )


def _trim(text: str, spans: tuple[S, ...], losses: LossCounter) -> tuple[S, ...]:
    """Spans without white space at their edges, which spaCy refuses; what was cut off counts as lost."""
    trimmed: list[S] = []
    for span in spans:
        start, end = trim_span(text, span.start, span.end)
        losses.lose("edge_whitespace", (start, end) != (span.start, span.end))
        if start < end:
            trimmed.append(replace(span, start=start, end=end))
    return tuple(trimmed)


def _fill_gaps(text: str, tokens: Sequence[Token]) -> tuple[list[str], list[bool], list[Token]]:
    """Words and trailing spaces as spaCy wants them: one space belongs to the word before, other gaps are words."""
    words: list[str] = []
    spaces: list[bool] = []
    places: list[Token] = []
    cursor = 0
    for token in [*tokens, Token(len(text), len(text))]:
        gap = text[cursor : token.start]
        if gap.startswith(" ") and words:
            spaces[-1] = True
            gap = gap[1:]
        for place in (Token(token.start - len(gap), token.start), token):
            if place.end > place.start:
                words.append(text[place.start : place.end])
                spaces.append(False)
                places.append(place)
        cursor = token.end
    return words, spaces, places


def _make_span(doc: Doc, places: list[Token], span: Entity | Mention) -> Span:
    from spacy.tokens import Span

    return Span(doc, *find_range(places, span.start, span.end), label=span.label)


def _import_spacy() -> Any:
    try:
        import spacy
        import spacy.tokens
        import spacy.vocab
    except ImportError:
        raise ConfigurationError("spaCy is not installed. Install it with: pip install 'goldspan[formats]'") from None
    return spacy
