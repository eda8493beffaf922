"""CoNLL: one token per line with its tag (BIO or BIOES) and its coreference brackets (as in CoNLL-2012).

    # sample_id = 6f0…
    # language = en
    # text = "Ann met Bo."
    Ann<TAB>B-FIRSTNAME<TAB>(1)

The text stands in a comment as a JSON string, so offsets come back exactly, whatever the white space and the script.
Files without that comment are read too; their text is the tokens joined by single spaces.
"""

from __future__ import annotations

import re
from bisect import bisect_right, insort
from collections import defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Literal

import orjson

from goldspan.annotation.errors import InputError, RecordError
from goldspan.annotation.files import AtomicFile
from goldspan.annotation.formats.loss import ExportReport, LossCounter
from goldspan.annotation.formats.tokens import Token, find_range, split_tokens
from goldspan.annotation.identity import make_sample_id
from goldspan.annotation.labels.schema import LabelSchema
from goldspan.annotation.text.pronouns import guess_mention_kind
from goldspan.annotation.types import Annotation, Author, Entity, Mention, Sample, sort_spans

Scheme = Literal["bio", "bioes"]
_COMMENT = re.compile(r"# (sample_id|language|text) = (.*)\Z", re.DOTALL)
_BRACKET = re.compile(r"\(([^()|\s]+)\)|\(([^()|\s]+)|([^()|\s]+)\)")
_AUTHOR = Author.model("import")


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
    identifier = " ".join((sample.sample_id or make_sample_id(sample.text, sample.language)).split())
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


def read_conll(path: Path, labels: LabelSchema, language: str = "") -> Iterator[Sample]:
    """Samples of a CoNLL file, BIO or BIOES; `language` holds for those that do not say it.

    Columns are separated by tabs or spaces: token, tag, and coreference brackets if there is a third one.

    Raises:
        RecordError: a line cannot be read; file and line are named.
        InputError: the file cannot be read.

    """
    try:
        lines = path.read_bytes().decode("utf-8").split("\n")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path} is not a readable UTF-8 file: {error}.") from None
    block: list[tuple[int, str]] = []
    for number, line in enumerate([*lines, ""], start=1):
        if line.strip("\r"):
            block.append((number, line.removesuffix("\r")))
        elif block:
            yield _read_block(block, labels, language, str(path))
            block = []


def _read_block(block: list[tuple[int, str]], labels: LabelSchema, language: str, file: str) -> Sample:
    fields: dict[str, str] = {}
    rows: list[tuple[int, list[str]]] = []
    for number, line in block:
        if match := _COMMENT.match(line):
            fields[match[1]] = match[2]
        elif not line.startswith("# "):
            columns = line.split("\t") if "\t" in line else line.split(" ")
            if len(columns) < 2:
                raise RecordError("expected a token and a tag", file=file, line=number)
            rows.append((number, columns))
    try:
        text = orjson.loads(fields["text"]) if "text" in fields else " ".join(columns[0] for _, columns in rows)
    except orjson.JSONDecodeError:
        raise RecordError("the comment text is not a JSON string", file=file, line=block[0][0]) from None
    places = _place_tokens(text, rows, file)
    entities = _read_tags(places, rows, labels, file)
    spoken = fields.get("language") or language
    mentions = _read_brackets(text, places, rows, entities, spoken)
    annotation = Annotation(_AUTHOR, entities, mentions)
    return Sample(
        text, spoken, annotations=(annotation,), sample_id=fields.get("sample_id") or make_sample_id(text, spoken)
    )


def _place_tokens(text: str, rows: list[tuple[int, list[str]]], file: str) -> list[tuple[int, int]]:
    places = []
    cursor = 0
    for number, (token, *_) in rows:
        start = text.find(token, cursor)
        if start < 0 or text[cursor:start].strip():
            raise RecordError("the token does not come next in the text", file=file, line=number)
        cursor = start + len(token)
        places.append((start, cursor))
    return places


def _read_tags(
    places: list[tuple[int, int]], rows: list[tuple[int, list[str]]], labels: LabelSchema, file: str
) -> tuple[Entity, ...]:
    entities: list[Entity] = []
    open_label = ""
    for (start, end), (number, (_, tag, *_)) in zip(places, rows, strict=True):
        prefix, _, label = tag.partition("-")
        if tag != "O" and (prefix not in {"B", "I", "E", "S"} or label not in labels.entity_codes):
            raise RecordError(f"{tag!r} is neither O nor a tag of a known label", file=file, line=number)
        if prefix in {"I", "E"} and open_label == label:
            entities[-1] = Entity(entities[-1].start, end, label)
        elif tag != "O":
            entities.append(Entity(start, end, label))
        open_label = label if prefix in {"B", "I"} else ""
    return tuple(entities)


def _read_brackets(
    text: str,
    places: list[tuple[int, int]],
    rows: list[tuple[int, list[str]]],
    entities: tuple[Entity, ...],
    language: str,
) -> tuple[Mention, ...]:
    mentions: list[Mention] = []
    opened: defaultdict[str, list[int]] = defaultdict(list)

    def add(start: int, end: int, cluster: str) -> None:
        has_entity = any(start <= entity.start and entity.end <= end for entity in entities)
        mentions.append(Mention(start, end, guess_mention_kind(text[start:end], has_entity, language), cluster))

    for (start, end), (_, columns) in zip(places, rows, strict=True):
        for single, opening, closing in _BRACKET.findall(columns[2] if len(columns) > 2 else ""):
            if single:
                add(start, end, single)
            elif opening:
                opened[opening].append(start)
            elif opened[closing]:
                add(opened[closing].pop(), end, closing)
    return sort_spans(mentions)
