"""Write samples as columns of tokens for other programs: CoNLL-2003, CoNLL-2012, CoNLL-U with `Entity=`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from goldspan.annotation.files import AtomicFile
from goldspan.annotation.formats.conll import choose_mentions, make_brackets
from goldspan.annotation.formats.loss import ExportReport, LossCounter
from goldspan.annotation.formats.tags import join_tokens
from goldspan.annotation.formats.tokens import Token, find_range, split_tokens
from goldspan.annotation.identity import identify_sample
from goldspan.annotation.types import Entity, Mention, Sample

Render = Callable[[Sample, LossCounter], list[str]]


def write_columns(path: Path, samples: Iterable[Sample], render: Render) -> ExportReport:
    """Write each sample as lines and return the loss report."""
    losses = LossCounter()
    with AtomicFile(path) as stream:
        for sample in samples:
            stream.write("\n".join([*render(sample, losses), "", ""]).encode("utf-8"))
    return losses.report()


def render_conll2003(sample: Sample, losses: LossCounter) -> list[str]:
    """Four columns: token, no part of speech, no chunk, BIO tag; each sample is a document."""
    entities, mentions, tokens = _prepare(sample, losses)
    losses.lose("mentions", bool(mentions))
    rows = [f"{_word(sample, token)} -X- -X- {tag}" for token, tag in zip(tokens, _tag(tokens, entities), strict=True)]
    return ["-DOCSTART- -X- -X- O", "", *rows]


def render_conll2012(sample: Sample, losses: LossCounter) -> list[str]:
    """Twelve columns; named entities as `(LABEL*`, coreference as `(1`."""
    entities, mentions, tokens = _prepare(sample, losses)
    name = _identify(sample)
    starts = {find_range(tokens, entity.start, entity.end)[0]: entity.label for entity in entities}
    ends = {find_range(tokens, entity.start, entity.end)[1] - 1 for entity in entities}
    lines = [f"#begin document ({name}); part 000"]
    for number, (token, marks) in enumerate(zip(tokens, make_brackets(tokens, mentions), strict=True)):
        entity = f"({starts[number]}" if number in starts else ""
        cell = f"{entity}*{')' if number in ends else ''}"
        word = _word(sample, token)
        lines.append(
            f"{name.replace(' ', '_')}\t0\t{number}\t{word}\t-\t-\t-\t-\t-\t-\t{cell}\t{'|'.join(marks) or '-'}"
        )
    return [*lines, "", "#end document"]


def render_conllu(sample: Sample, losses: LossCounter) -> list[str]:
    """Ten columns; in the last one entities as `NER=B-CITY` and clusters as `Entity=(e1-mention-1-)`."""
    entities, mentions, tokens = _prepare(sample, losses)
    name = _identify(sample)
    lines = ["# global.Entity = eid-etype-head-other", f"# newdoc id = {name}", f"# sent_id = {name}-1"]
    if "\n" not in sample.text and "\r" not in sample.text:
        lines.append(f"# text = {sample.text}")
    tags = _tag(tokens, entities)
    for number, (token, marks) in enumerate(zip(tokens, make_brackets(tokens, mentions), strict=True)):
        brackets = "".join(
            f"(e{mark[1:-1]}-mention-1-)" if mark.startswith("(") and mark.endswith(")")
            else f"(e{mark[1:]}-mention-1-" if mark.startswith("(")
            else f"e{mark}"
            for mark in marks
        )  # fmt: skip
        follows = number + 1 < len(tokens) and tokens[number + 1].start == token.end
        entity = f"NER={tags[number]}" * (tags[number] != "O")
        parts = (f"Entity={brackets}" * bool(brackets), entity, "SpaceAfter=No" * follows)
        misc = "|".join(part for part in parts if part)
        lines.append(f"{number + 1}\t{_word(sample, token)}\t_\t_\t_\t_\t_\t_\t_\t{misc or '_'}")
    return lines


def _prepare(sample: Sample, losses: LossCounter) -> tuple[tuple[Entity, ...], list[Mention], list[Token]]:
    best = losses.take_best(sample)
    losses.lose_details(best)
    losses.lose_context(sample)
    entities = losses.flatten(best)
    mentions = choose_mentions(best, losses)
    spans: list[Entity | Mention] = [*entities, *mentions]
    tokens = split_tokens(sample.text, (border for span in spans for border in (span.start, span.end)))
    words = [sample.text[token.start : token.end] for token in tokens]
    losses.lose("text_form", join_tokens(words)[0] != sample.text)
    return entities, mentions, tokens


def _tag(tokens: Sequence[Token], entities: Iterable[Entity]) -> list[str]:
    tags = ["O"] * len(tokens)
    for entity in entities:
        low, high = find_range(list(tokens), entity.start, entity.end)
        for number in range(low, high):
            tags[number] = f"{'B' if number == low else 'I'}-{entity.label}"
    return tags


def _word(sample: Sample, token: Token) -> str:
    return sample.text[token.start : token.end]


def _identify(sample: Sample) -> str:
    return " ".join(identify_sample(sample).split())
