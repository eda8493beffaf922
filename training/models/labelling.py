"""From the annotation of a sample to a tag for every token.

`B-X` stands on the first token of an entity and `I-X` on all others, sub-words included. Of overlapping entities the
first and longest is taken. Tokens in doubt get `IGNORED`: no loss is computed for them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from goldspan.annotation.text.words import trim_span
from goldspan.annotation.types import Annotation, Entity, Mention, S, Sample, sort_spans
from goldspan.predictors.model.coreference import KINDS, MentionPlace
from goldspan.predictors.model.encoding import EncodedText

IGNORED = -100
"""The tag number that cross entropy leaves out."""

MENTION_TAGS = ("O", *(f"{prefix}-{kind}" for kind in KINDS for prefix in "BI"))
"""Tags of the mention layer."""

Tags = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class TokenRange:
    """A mention as half-open token range, its cluster (empty: none) and how it stands in the text."""

    first: int
    last: int
    cluster: str
    place: MentionPlace


@dataclass(frozen=True, slots=True)
class Example:
    """One labelled text: `tags` and `mention_tags` have a number a token, `mentions` are in text order."""

    sample_id: str
    text: str
    language: str
    encoded: EncodedText
    tags: Tags
    mention_tags: Tags
    mentions: tuple[TokenRange, ...]
    gold: tuple[Entity, ...]


def label_sample(
    sample: Sample, encoded: EncodedText, table: Mapping[str, int], *, doubt_below: float = 0.0
) -> Example:
    """The example of a sample that has an annotation.

    Args:
        sample: the sample; its best annotation is gold.
        encoded: its tokens.
        table: the number of each tag, as `LabelSchema.bio_table` orders them.
        doubt_below: entities of a model with a lower score are in doubt.
    """
    best = sample.best
    if best is None:
        raise ValueError(f"Sample {sample.sample_id} has no annotation.")
    entities = choose_flat(best.entities)
    tags = tag_tokens(encoded, ((e.start, e.end, e.label) for e in entities), table)
    for start, end in find_doubt(sample, doubt_below):
        tags[(encoded.starts < end) & (encoded.ends > start)] = IGNORED
    mentions = choose_flat(best.mentions)
    mention_table = {tag: number for number, tag in enumerate(MENTION_TAGS)}
    mention_tags = tag_tokens(encoded, ((m.start, m.end, m.label) for m in mentions), mention_table)
    return Example(
        sample.sample_id,
        sample.text,
        sample.language,
        encoded,
        tags,
        mention_tags,
        tuple(_locate(sample.text, encoded, mentions)),
        best.entities,
    )


def choose_flat(spans: Iterable[S]) -> tuple[S, ...]:
    """Spans without overlap: in text order, of two that overlap the first and longer one."""
    chosen: list[S] = []
    for span in sort_spans(spans):
        if not chosen or chosen[-1].end <= span.start:
            chosen.append(span)
    return tuple(chosen)


def tag_tokens(encoded: EncodedText, spans: Iterable[tuple[int, int, str]], table: Mapping[str, int]) -> Tags:
    """The tag number of each token, `O` (0) where no span overlaps it; labels that the table lacks are left out."""
    tags = np.zeros(len(encoded), dtype=np.int64)
    for start, end, label in spans:
        first, last = find_tokens(encoded, start, end)
        if first < last and f"B-{label}" in table:
            tags[first:last] = table[f"I-{label}"]
            tags[first] = table[f"B-{label}"]
    return tags


def find_tokens(encoded: EncodedText, start: int, end: int) -> tuple[int, int]:
    """The half-open range of tokens that overlap a stretch of text; empty if there is none."""
    first = int(np.searchsorted(encoded.ends, start, side="right"))
    last = int(np.searchsorted(encoded.starts, end, side="left"))
    return first, max(first, last)


def find_doubt(sample: Sample, doubt_below: float) -> list[tuple[int, int]]:
    """Stretches whose label is in doubt: where people's annotations differ, and entities with a low model score."""
    doubt: list[tuple[int, int]] = []
    best = sample.best
    if best is not None and best.author.is_model:
        doubt += [(e.start, e.end) for e in best.entities if e.score is not None and e.score < doubt_below]
    doubt += [span for other in sample.reviews[1:] for span in _list_differences(sample.reviews[0], other)]
    return doubt


def _list_differences(one: Annotation, other: Annotation) -> Iterable[tuple[int, int]]:
    left, right = {e.span for e in one.entities}, {e.span for e in other.entities}
    return [(span.start, span.end) for span in left ^ right]


def _locate(text: str, encoded: EncodedText, mentions: Sequence[Mention]) -> Iterable[TokenRange]:
    for mention in mentions:
        start, end = trim_span(text, mention.start, mention.end)
        first, last = find_tokens(encoded, start, end)
        if first < last:
            yield TokenRange(first, last, mention.cluster, MentionPlace(start, end, mention.label, text[start:end]))
