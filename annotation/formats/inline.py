"""Texts that hold their annotations: tags, brackets with a label, or a tag behind every token.

<CITY>Lyon</CITY> · <ENAMEX TYPE="LOCATION">Lyon</ENAMEX> · <COREF ID="2" REF="1">she</COREF> · [Lyon](CITY) ·
[Lyon]{"entity": "city"} · <START:city> Lyon <END> · Lyon/B-CITY
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence, Set
from pathlib import Path

from goldspan.annotation.errors import RecordError, TaggedTextError, UnknownNameError
from goldspan.annotation.formats.reading import ReadOptions, SourceRow, read_whole
from goldspan.annotation.formats.rows.raw import RawAnnotation, RawCluster, RawRow, RawSpan
from goldspan.annotation.formats.tags import decode_tags, is_plain_column, is_tag
from goldspan.annotation.labels.schema import LabelSchema
from goldspan.annotation.labels.taxonomy import find_taxonomy
from goldspan.annotation.tasks.jsonl import OnError
from goldspan.annotation.text.tagged import parse_tagged

_NAME = r"[A-Za-z][\w.-]*"
_TAG = re.compile(rf"""<(/?)({_NAME})((?:\s+{_NAME}\s*=\s*(?:"[^"<>]*"|'[^'<>]*'))*)\s*>""")
_TYPE = re.compile(r"""\b(?:type|label|category|cat)\s*=\s*["']([^"']+)["']""", re.IGNORECASE)
_WRAPPERS = frozenset({"ENAMEX", "TIMEX", "TIMEX3", "NUMEX", "ENTITY", "ENT", "NE", "NAMED", "NAMEDENTITY"})
"""Elements whose label is an attribute; where they stand, other elements are structure of the document."""
_COREFERENCE = "COREF"
_ATTRIBUTE = re.compile(rf"""(?<![\w.-])({_NAME})\s*=\s*["']([^"']*)["']""")
_LINE_END = re.compile(r"(?<=\n)")
_DOCUMENT_END = re.compile(r"(?<=</DOC>)", re.IGNORECASE)
_CAPITALS = re.compile(r"[A-Z][A-Z0-9_]{2,}\Z")
_HTML = frozenset({"PRE", "DIV", "SPAN", "TABLE", "BODY", "HTML", "HEAD", "FONT", "CENTER", "TITLE", "STRONG", "META"})
_BRACKET = re.compile(r"""\[([^\[\]\n]+)\](?:\(([A-Za-z_][\w-]*)\)|\{\s*"entity"\s*:\s*"([^"]+)"[^{}\n]*\})""")
_OPENNLP = re.compile(r"<START:([^<>\s]+)> ?([^<>]+?) ?<END>")
_TAGGED_TOKENS = (
    re.compile(r"(?<!\S)(\S+)/(O|[BIESLU]-\w+|[A-Z][A-Z_]+)(?=\s|\Z)"),
    re.compile(r"(?<!\S)([^\s|]+)\|(?:[^\s|]+\|)?(O|[BIESLU]-\w+)(?=\s|\Z)"),
)
"""A tag behind every token: `Lyon/B-CITY`, and spaCy's `Lyon|NNP|B-CITY`."""


def is_inline(text: str, labels: LabelSchema, outside: Set[str] = frozenset()) -> bool:
    """True for a text that clearly holds annotations: tags of tokens, or labels that somebody knows.

    Known are those of the schema, of a taxonomy, and the `outside` ones that are mapped by name.
    """
    size = len(text.split())
    for pattern in _TAGGED_TOKENS:
        tags = [match[2] for match in pattern.finditer(text)]
        if size > 1 and len(tags) == size and (is_plain_column(tags) or all(map(is_tag, tags))):
            return any(tag != "O" for tag in tags)
    if _OPENNLP.search(text):
        return True
    tagged = _find_tags(text, labels)
    closed = {match[2] for match, _ in tagged if match[1]}
    if any(_is_wrapper(match) and match[2] in closed for match, _ in tagged):
        return True
    if any(match[2] in outside for match, _ in _find_pairs(text)):
        return True
    names = {label for match, label in tagged if not match[1] and match[2] in closed}
    names |= {match[2] or match[3] for match in _BRACKET.finditer(text) if _names_label(match, labels)}
    return bool(names) and (any(name in labels for name in names) or _is_taxonomy(names))


def _is_taxonomy(names: Iterable[str]) -> bool:
    try:
        return bool(find_taxonomy("", names))
    except UnknownNameError:
        return False


def _names_label(match: re.Match[str], labels: LabelSchema) -> bool:
    """True for a bracket whose target is a label; a Markdown link to a page is none."""
    name = match[2] or ""
    return bool(match[3]) or name.upper() in labels or bool(_CAPITALS.match(name))


def _is_wrapper(match: re.Match[str]) -> bool:
    """True for the start of an element of MUC: a name with its type, or a mention with its number."""
    attributes = {name.upper() for name, _ in _ATTRIBUTE.findall(match[3])}
    name = match[2].upper()
    return (name == _COREFERENCE and "ID" in attributes) or (name in _WRAPPERS and bool(_TYPE.search(match[3])))


def _find_tags(text: str, labels: LabelSchema, *, structured: bool = False) -> list[tuple[re.Match[str], str]]:
    """The tags to take out of the text, each with its label; empty for end tags, mentions and structure.

    `structured`: elements without a label are structure, as they are beside names and mentions of MUC.
    """
    found = []
    matches = list(_TAG.finditer(text))
    closed = {match[2] for match in matches if match[1]}
    structured = structured or any(map(_is_wrapper, matches))
    for match in matches:
        name = match[2]
        if name.upper() in _WRAPPERS:
            kind = _TYPE.search(match[3])
            if kind or match[1]:
                found.append((match, kind[1] if kind else ""))
        elif name in labels or (not structured and _CAPITALS.match(name) and name not in _HTML and name in closed):
            found.append((match, name))
        elif structured and name in closed:
            found.append((match, ""))
    return found


def _find_pairs(text: str) -> list[tuple[re.Match[str], str]]:
    """Tags of elements that are closed and are none of HTML: what annotates where no label is known."""
    matches = list(_TAG.finditer(text))
    closed = {match[2] for match in matches if match[1]}
    return [(match, match[2]) for match in matches if match[2] in closed and match[2].upper() not in _HTML]


def read_inline(path: Path, options: ReadOptions, on_error: OnError) -> Iterator[SourceRow]:
    """The text of a file, or of each of its lines with `by_line`, without its annotations' notation.

    Raises:
        InputError: the file cannot be read.
    """
    content = read_whole(path, options)
    structured = any(map(_is_wrapper, _TAG.finditer(content)))
    borders = _LINE_END if options.by_line else _DOCUMENT_END if structured else None
    number = 1
    for part in borders.split(content) if borders else [content]:
        text = part.removesuffix("\n").removesuffix("\r") if options.by_line else part
        if text.strip():
            try:
                yield SourceRow(str(path), number, parse_inline(text, options.labels, structured=structured))
            except TaggedTextError as error:
                on_error(RecordError(str(error), file=str(path), line=number))
        number += part.count("\n")


def parse_inline(text: str, labels: LabelSchema, *, structured: bool = False) -> RawRow:
    """A text with the spans of its notation. `structured`: elements that are no labels are structure of the document.

    Raises:
        TaggedTextError: a tag is not closed, or closes another.
    """
    if _OPENNLP.search(text):
        return _parse_marks(text, labels)
    tags = _find_tags(text, labels, structured=structured) or _find_pairs(text)
    tokens = next((found for pattern in _TAGGED_TOKENS if (found := list(pattern.finditer(text)))), [])
    if not tags and tokens:
        return _parse_tokens(text, tokens)
    if tags or "<m" in text:
        return _parse_tags(text, tags, labels)
    return _parse_marks(text, labels)


def _parse_tags(text: str, tags: Sequence[tuple[re.Match[str], str]], labels: LabelSchema) -> RawRow:
    try:
        tagged = parse_tagged(text, labels)
    except TaggedTextError:
        pass
    else:
        if tagged.entities:
            spans = tuple(RawSpan((entity.label,), entity.start, entity.end) for entity in tagged.entities)
            return RawRow(tagged.text, (RawAnnotation(spans, mentions=tagged.mentions),))
    opened: list[tuple[re.Match[str], str, int]] = []
    found: list[RawSpan] = []
    chains: dict[str, list[tuple[int, int, str]]] = {}
    plain, cursor = "", 0
    for match, label in tags:
        plain += text[cursor : match.start()]
        cursor = match.end()
        if not match[1]:
            opened.append((match, label, len(plain)))
            continue
        if not opened or opened[-1][0][2] != match[2]:
            raise TaggedTextError(f"</{match[2]}> closes nothing", match.start())
        first, label, start = opened.pop()
        if label:
            found.append(RawSpan((label,), start, len(plain)))
        elif _is_wrapper(first):
            _link(first, chains).append((start, len(plain), ""))
    if opened:
        raise TaggedTextError(f"<{opened[-1][0][2]}> is never closed", len(text))
    linked = {id(chain): tuple(sorted(chain)) for chain in chains.values()}
    clusters = tuple(RawCluster((), places) for places in linked.values() if len(places) > 1)
    return RawRow(plain + text[cursor:], (RawAnnotation(tuple(found), clusters),))


def _link(match: re.Match[str], chains: dict[str, list[tuple[int, int, str]]]) -> list[tuple[int, int, str]]:
    """The chain of a mention, joined with that of the mention it refers to."""
    attributes = {name.upper(): value for name, value in _ATTRIBUTE.findall(match[3])}
    own = chains.setdefault(attributes["ID"], [])
    other = chains.setdefault(attributes["REF"], []) if attributes.get("REF") else own
    if own is not other:
        own += other
        chains.update({name: own for name, chain in chains.items() if chain is other})
    return own


def _parse_marks(text: str, labels: LabelSchema) -> RawRow:
    """A text with brackets, or with OpenNLP's marks, around its values."""
    marks = [(match, match[2], match[1]) for match in _OPENNLP.finditer(text)]
    brackets = (match for match in _BRACKET.finditer(text) if _names_label(match, labels))
    marks = marks or [(match, match[1], match[2] or match[3]) for match in brackets]
    spans: list[RawSpan] = []
    plain, cursor = "", 0
    for match, value, label in marks:
        plain += text[cursor : match.start()]
        spans.append(RawSpan((label,), len(plain), len(plain) + len(value)))
        plain += value
        cursor = match.end()
    return RawRow(plain + text[cursor:], (RawAnnotation(tuple(spans)),))


def _parse_tokens(text: str, tokens: Iterable[re.Match[str]]) -> RawRow:
    plain, cursor = "", 0
    places: list[tuple[int, int]] = []
    tags: list[str] = []
    for match in tokens:
        plain += text[cursor : match.start()]
        places.append((len(plain), len(plain) + len(match[1])))
        tags.append(match[2])
        plain += match[1]
        cursor = match.end()
    spans = tuple(RawSpan((label,), start, end) for start, end, label in decode_tags(tags, places))
    return RawRow(plain + text[cursor:], (RawAnnotation(spans),))
