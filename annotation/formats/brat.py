"""brat standoff: `name.txt` with the text, `name.ann` beside it with spans, relations and equivalences."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Set
from pathlib import Path

from goldspan.annotation.errors import RecordError
from goldspan.annotation.formats.documents import write_documents
from goldspan.annotation.formats.loss import ExportReport, LossCounter
from goldspan.annotation.formats.reading import ReadOptions, SourceRow, list_documents, read_documents, read_whole
from goldspan.annotation.formats.rows.offsets import agrees, count_by_values, join_parts
from goldspan.annotation.formats.rows.raw import RawAnnotation, RawRelation, RawRow, RawSpan
from goldspan.annotation.labels.schema import LabelSchema
from goldspan.annotation.tasks.jsonl import OnError
from goldspan.annotation.types import Annotation, Entity, Mention, Sample

_TEXT_SUFFIXES = (".txt", ".TXT")
_SPAN = re.compile(r"(T\S+)\t(\S.*?) (\d+ \d+(?:;\d+ \d+)*)(?:\t(.*))?\Z")
_RELATION = re.compile(r"(R\S+)\t(\S+) [^\s:]+:(\S+) [^\s:]+:(\S+)")
_EVENT = re.compile(r"(E\S+)\t(\S+):(T\S+)((?: \S+:\S+)*)")
_ARGUMENT = re.compile(r" (\S+):(\S+)")
_REMARKS = {"A": "attributes", "M": "attributes", "N": "normalisations", "#": "notes"}
_EQUIVALENCE = re.compile(r"\*\t(\S+) (.+)")


def read_brat(path: Path, options: ReadOptions, on_error: OnError) -> Iterator[SourceRow]:
    """The documents of a folder, or the one of an `.ann` file; a text without an `.ann` file has no annotation.

    An event becomes relations from its trigger to its arguments; attributes, normalisations and notes stand verbatim
    in the fields. A span of several parts is read if only white space lies between them; else its document is refused.

    Raises:
        InputError: a folder has no `.ann` file.
    """
    yield from read_documents(path, {".ann"}, on_error, lambda file: [_read_document(file, options)])
    annotated = {file.with_suffix("") for file in list_documents(path, {".ann"})} if path.is_dir() else set()
    for text in list_documents(path, {".txt"}) if path.is_dir() else ():
        if text.with_suffix("") not in annotated:
            yield SourceRow(str(text), 1, RawRow(read_whole(text, options), uid=text.stem))


def _read_document(file: Path, options: ReadOptions) -> RawRow:
    source = next((place for suffix in _TEXT_SUFFIXES if (place := file.with_suffix(suffix)).is_file()), None)
    if source is None:
        raise RecordError(f"the text {file.stem}.txt is not beside it", file=str(file), line=1)
    text = read_whole(source, options)
    spans: dict[int, RawSpan] = {}
    relations: list[RawRelation] = []
    triggers: dict[str, str] = {}
    events: list[tuple[str, str, str]] = []
    remarks: defaultdict[str, list[str]] = defaultdict(list)
    for number, line in enumerate(read_whole(file, options).split("\n"), start=1):
        line = line.removesuffix("\r")
        if match := _SPAN.match(line):
            parts = [(int(start), int(end)) for start, end in map(str.split, match[3].split(";"))]
            if (ends := join_parts(text, parts)) is None:
                reason = "a span of several parts with words between them is not read"
                raise RecordError(reason, file=str(file), line=number)
            spans[number] = RawSpan((match[2],), *ends, match[4] or None, match[1])
        elif match := _RELATION.match(line):
            relations.append(RawRelation(match[3], match[4], match[2]))
        elif match := _EQUIVALENCE.match(line):
            first, *others = match[2].split()
            relations += [RawRelation(first, other, "coreference") for other in others]
        elif match := _EVENT.match(line):
            triggers[match[1]] = match[3]
            events += [(match[1], role, target) for role, target in _ARGUMENT.findall(match[4])]
        elif line[:1] in _REMARKS:
            remarks[_REMARKS[line[0]]].append(line)
        elif line.strip():
            raise RecordError("the line is no span, relation, event, attribute or note", file=str(file), line=number)
    placed = _place_spans(text, spans, file)
    relations += _link_events(triggers, events, {span.id for span in placed}, file)
    annotation = RawAnnotation(placed, relations=tuple(relations))
    return RawRow(text, (annotation,), uid=file.stem, fields=dict(remarks))


def _link_events(
    triggers: Mapping[str, str], events: Iterable[tuple[str, str, str]], names: Set[str], file: Path
) -> list[RawRelation]:
    """Relations from the trigger of each event to its arguments."""
    if lost := next((event for event, trigger in triggers.items() if trigger not in names), None):
        raise RecordError(f"the trigger of the event {lost} is no span", file=str(file), line=1)
    return [RawRelation(triggers[name], triggers.get(target, target), role) for name, role, target in events]


def _place_spans(text: str, spans: Mapping[int, RawSpan], file: Path) -> tuple[RawSpan, ...]:
    placed = count_by_values(text, tuple(spans.values()))
    for number, span in zip(spans, placed, strict=True):
        if span.value is not None and not agrees(span.value, text[span.start : span.end]):
            raise RecordError("the offsets do not cut out the text of the span", file=str(file), line=number)
    return placed


def write_brat(folder: Path, samples: Iterable[Sample], labels: LabelSchema) -> ExportReport:
    """Write two files per sample and return the loss report; clusters become relations to their first mention.

    Raises:
        StateError: the disk refused.
    """

    def encode(sample: Sample, best: Annotation | None, losses: LossCounter) -> dict[str, bytes]:
        losses.lose_details(best)
        losses.lose_context(sample)
        lines = _render_lines(sample.text, best, labels.relation) if best else []
        return {".txt": sample.text.encode(), ".ann": "".join(f"{line}\n" for line in lines).encode()}

    return write_documents(folder, samples, encode)


def _render_lines(text: str, annotation: Annotation, relation: str) -> list[str]:
    spans: list[Entity | Mention] = [*annotation.entities, *annotation.mentions]
    surfaces = [" ".join(text[span.start : span.end].split()) for span in spans]
    lines = [
        f"T{number}\t{span.label} {span.start} {span.end}\t{surface}"
        for number, (span, surface) in enumerate(zip(spans, surfaces, strict=True), start=1)
    ]
    heads: dict[str, int] = {}
    for number, span in enumerate(spans, start=1):
        cluster = getattr(span, "cluster", "")
        if cluster and heads.setdefault(cluster, number) != number:
            lines.append(f"R{len(lines)}\t{relation} Arg1:T{number} Arg2:T{heads[cluster]}")
    return lines
