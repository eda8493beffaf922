"""CoNLL: one token per line with its tag (BIO or BIOES) and its coreference brackets (as in CoNLL-2012).

    # sample_id = 6f0…
    # language = en
    # text = "Ann met Bo."
    Ann<TAB>B-FIRSTNAME<TAB>(1)

The text stands in a comment as a JSON string, so offsets come back exactly, whatever the white space and the script.
`columns` reads it.
"""

from __future__ import annotations

from bisect import bisect_right, insort
from collections import defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Literal

import orjson

from goldspan.annotation.files import AtomicFile
from goldspan.annotation.formats.loss import ExportReport, LossCounter
from goldspan.annotation.formats.tokens import Token, find_range, split_tokens
from goldspan.annotation.identity import identify_sample
from goldspan.annotation.types import Annotation, Entity, Mention, Sample, sort_spans

Scheme = Literal["bio", "bioes"]


def write_conll(path: Path, samples: Iterable[Sample], scheme: Scheme = "bio") -> ExportReport:
    """Write the best annotation of each sample and return the loss report."""
    losses = LossCounter()
    with AtomicFile(path) as stream:
        for sample in samples:
            stream.write("\n".join([*_render(sample, scheme, losses), "", ""]).encode("utf-8"))
    return losses.report()


def _render(sample: Sample, scheme: Scheme, losses: LossCounter) -> Iterator[str]:
    best = losses.take_best(sample)
    losses.lose_details(best)
    losses.lose_context(sample, language=False)
    entities = losses.flatten(best)
    mentions = choose_mentions(best, losses)
    spans: list[Entity | Mention] = [*entities, *mentions]
    tokens = split_tokens(sample.text, (border for span in spans for border in (span.start, span.end)))
    tags = ["O"] * len(tokens)
    for entity in entities:
        low, high = find_range(tokens, entity.start, entity.end)
        _lose_edges(sample.text, entity, losses)
        for number in range(low, high):
            tags[number] = f"{_choose_prefix(number, low, high, scheme)}-{entity.label}"
    for mention in mentions:
        _lose_edges(sample.text, mention, losses)
    brackets = make_brackets(tokens, mentions)
    identifier = " ".join(identify_sample(sample).split())
    yield f"# sample_id = {identifier}"
    yield f"# language = {sample.language}"
    yield f"# text = {orjson.dumps(sample.text).decode()}"
    for token, tag, marks in zip(tokens, tags, brackets, strict=True):
        yield f"{sample.text[token.start : token.end]}\t{tag}\t{'|'.join(marks) or '-'}"


def make_brackets(tokens: list[Token], mentions: Iterable[Mention]) -> list[list[str]]:
    """The coreference brackets of each token: `(1`, `1)`, `(1)`."""
    brackets: list[list[str]] = [[] for _ in tokens]
    for mention in mentions:
        low, high = find_range(tokens, mention.start, mention.end)
        if high == low + 1:
            brackets[low].append(f"({mention.cluster})")
        elif high > low:
            brackets[low].insert(0, f"({mention.cluster}")
            brackets[high - 1].append(f"{mention.cluster})")
    return brackets


def _choose_prefix(number: int, low: int, high: int, scheme: Scheme) -> str:
    if scheme == "bioes" and number == high - 1:
        return "S" if number == low else "E"
    return "B" if number == low else "I"


def _lose_edges(text: str, span: Entity | Mention, losses: LossCounter) -> None:
    covered = text[span.start : span.end]
    losses.lose("edge_whitespace", covered != covered.strip())


def choose_mentions(annotation: Annotation | None, losses: LossCounter) -> list[Mention]:
    """Mentions of clusters, named `1`, `2` …; those that brackets cannot hold count as lost."""
    mentions = sort_spans(annotation.mentions) if annotation else ()
    losses.lose("single_mentions", sum(not mention.cluster for mention in mentions))
    names: dict[str, str] = {}
    ends: defaultdict[str, list[int]] = defaultdict(list)
    kept: list[Mention] = []
    for mention in mentions:
        if not mention.cluster:
            continue
        name = names.setdefault(mention.cluster, str(len(names) + 1))
        earlier = ends[name]
        following = bisect_right(earlier, mention.start)
        if following < len(earlier) and earlier[following] < mention.end:
            losses.lose("crossing_mentions")
            continue
        insort(earlier, mention.end)
        kept.append(Mention(mention.start, mention.end, mention.label, name))
    losses.lose("mention_kinds", len(kept))
    return kept
