"""Read tagged text as models really write it: wrong case, brackets for angles, missing slashes, unknown or open tags.

Nothing is guessed: a tag that cannot be read is dropped and its place reported as lost. Whoever reads the result must
see to it that an entity stands at every lost place, or refuse the answer.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from goldspan.annotation.labels.schema import LabelSchema
from goldspan.annotation.types import Entity, sort_spans

_TAG = re.compile(r"<\s*(/?)\s*([A-Za-z][A-Za-z0-9_ -]*?)((?:\s+[\w-]+\s*=\s*(?:\"[^\"<>]*\"|'[^'<>]*'))*)\s*(/?)\s*>")
_PLAIN_TAG = re.compile(r"<(/?)([A-Za-z][A-Za-z0-9_]*)>")
_LABEL_ATTRIBUTE = re.compile(r"""\b(?:label|type|class|name|category)\s*=\s*["']([A-Za-z0-9_ -]+)["']""")
_GENERIC = frozenset({"ENTITY", "ENT", "SPAN", "TAG", "PII", "NER", "MARK"})
_LINKS = re.compile(r"\[([^\[\]\n]{1,120})\]\(([A-Z][A-Z0-9_]+)\)")
_COLONS = re.compile(r"(?:\{\{|[<\[{])([A-Z][A-Z0-9_]+)\s*:\s*([^<>\[\]{}\n]{1,120})(?:\}\}|[>\]}])")
_ESCAPED = re.compile(r"&lt;(/?)([A-Za-z][A-Za-z0-9_]*)&gt;")
_OTHER_BRACKETS = (
    re.compile(r"\[(/?)([A-Za-z][A-Za-z0-9_]+)\]"),
    re.compile(r"\{\{(/?)([A-Za-z][A-Za-z0-9_]+)\}\}"),
    re.compile(r"\{(/?)([A-Za-z][A-Za-z0-9_]+)\}"),
    re.compile(r"<<(/?)([A-Za-z][A-Za-z0-9_]+)>>"),
    re.compile(r"[＜〈‹«](/?)([A-Za-z][A-Za-z0-9_]+)[＞〉›»]"),
    re.compile(r"<([/\\]?)(?:[A-Za-z]+:|[BIES]-)([A-Za-z][A-Za-z0-9_]+)>"),
    re.compile(r"<(\\)([A-Za-z][A-Za-z0-9_]+)>"),
)
"""Tags in other brackets, with a prefix, or with a backslash: the slash and the name."""
_UNNAMED_END = re.compile(r"<([A-Za-z][A-Za-z0-9_]*)>([^<>]{1,200})</>")
_EMPHASIS = re.compile(r"(\*\*|__|`|\*)(<([A-Z][A-Z0-9_]*)>[^<>]*</\3>)\1")
_ENTITY_ESCAPES = re.compile(r"&(lt|gt|amp|quot|#39|apos);")
_CHARACTERS = {"lt": "<", "gt": ">", "amp": "&", "quot": '"', "#39": "'", "apos": "'"}


@dataclass(frozen=True, slots=True)
class LenientReading:
    """Text and entities of tagged text, the repairs it took, and the spans whose tags could not be read."""

    text: str
    entities: tuple[Entity, ...]
    repairs: tuple[str, ...]
    lost: tuple[tuple[int, int], ...]


def read_leniently(tagged: str, labels: LabelSchema) -> LenientReading:
    """Read tagged text that `parse_tagged` refuses; entities may overlap."""
    repairs: list[str] = []
    tagged = _rewrite_tags(tagged, labels, repairs)
    pieces: list[str] = []
    opened: list[tuple[str, int]] = []
    entities: list[Entity] = []
    lost: list[tuple[int, int]] = []
    slashless = _list_slashless(tagged, labels)
    length = cursor = 0
    for match in _TAG.finditer(tagged):
        name = _name_label(match, labels)
        if name is None:
            continue
        if match[2].upper() != name or match[3]:
            repairs.append("tag_form")
        piece = _unescape(tagged[cursor : match.start()])
        cursor = match.end()
        pieces.append(piece)
        length += len(piece)
        is_open = any(open_name == name for open_name, _ in opened)
        closes = bool(match[1]) or (is_open and (name in slashless or bool(match[4])))
        if closes and not match[1]:
            repairs.append("closing_tag")
        if match[4] and not closes:
            repairs.append("empty_tag")
        elif not closes:
            opened.append((name, length))
        else:
            _close(name, length, opened, entities, lost, repairs, labels)
    pieces.append(_unescape(tagged[cursor:]))
    text = "".join(pieces)
    for _, start in opened:
        repairs.append("open_tag")
        lost.append((start, _end_of_word(text, start)))
    return LenientReading(text, sort_spans(entities), tuple(dict.fromkeys(repairs)), tuple(lost))


def _list_slashless(tagged: str, labels: LabelSchema) -> set[str]:
    """Labels whose tags never close with a slash and come in pairs: `<CITY>Lyon<CITY>`."""
    opens: Counter[str] = Counter()
    closed: set[str] = set()
    for match in _TAG.finditer(tagged):
        name = _name_label(match, labels)
        if name and match[1]:
            closed.add(name)
        elif name:
            opens[name] += 1
    return {name for name, count in opens.items() if count % 2 == 0 and name not in closed}


def has_other_tags(tagged: str, labels: LabelSchema) -> bool:
    """True if labels stand in brackets, links, escapes or odd tags, which `parse_tagged` takes for text."""
    if _rewrite_tags(tagged, labels, []) != tagged:
        return True
    codes = labels.entity_codes
    found = list(_TAG.finditer(tagged))
    odd = (match for match in found if not (_PLAIN_TAG.fullmatch(match[0]) and match[2] in codes))
    return any(_name_label(match, labels) in codes for match in odd)


def is_covered(text: str, span: tuple[int, int], entities: Sequence[Entity]) -> bool:
    """True if every letter and digit of a span belongs to an entity."""
    inside = [(entity.start, entity.end) for entity in entities]
    return all(
        not text[place].isalnum() or any(start <= place < end for start, end in inside) for place in range(*span)
    )


def has_label_tags(content: str, labels: LabelSchema) -> bool:
    """True if a text that is no JSON holds tags of labels, so that it is an answer without its JSON."""
    return any(match[1] and match[2].upper() in labels.entity_codes for match in _TAG.finditer(content))


def is_cut(tagged: str, labels: LabelSchema) -> bool:
    """True if a tagged text ends inside a tag or an entity, though others are closed."""
    if re.search(r"<[/A-Za-z]?[^<>\s]{0,40}\Z", tagged):
        return True
    tags = [match for match in _PLAIN_TAG.finditer(tagged) if match[2].upper() in labels.entity_codes]
    return len(tags) > 1 and not tags[-1][1] and any(match[1] for match in tags)


def fold_tag_case(tagged: str, labels: LabelSchema) -> str:
    """Tagged text with `<city>` written as `<CITY>`."""
    return _PLAIN_TAG.sub(
        lambda match: f"<{match[1]}{match[2].upper()}>" if match[2].upper() in labels.entity_codes else match[0], tagged
    )


def strip_entity_tags(tagged: str, labels: LabelSchema) -> str:
    """Tagged text without its entity tags, in whatever case; `<m>` tags stay."""
    return _PLAIN_TAG.sub(lambda match: "" if match[2].upper() in labels.entity_codes else match[0], tagged)


def _close(
    name: str,
    end: int,
    opened: list[tuple[str, int]],
    entities: list[Entity],
    lost: list[tuple[int, int]],
    repairs: list[str],
    labels: LabelSchema,
) -> None:
    position = next((n for n in range(len(opened) - 1, -1, -1) if opened[n][0] == name), None)
    if position is None and opened and name in _GENERIC:
        position, name = len(opened) - 1, opened[-1][0]
    if position is None:
        if not opened:
            repairs.append("stray_tag")
            return
        position = len(opened) - 1
        repairs.append("mismatched_tag")
        _, start = opened.pop(position)
        lost.append((start, end))
        return
    _, start = opened.pop(position)
    if start == end:
        repairs.append("empty_tag")
    elif name in labels.entity_codes:
        entities.append(Entity(start, end, name))
    else:
        repairs.append("unknown_label")
        lost.append((start, end))


def _name_label(match: re.Match[str], labels: LabelSchema) -> str | None:
    """The label that a tag names, in capitals; None where it is text."""
    name = re.sub(r"[ -]", "_", match[2].strip()).upper()
    squeezed = name.replace("_", "")
    if attribute := _LABEL_ATTRIBUTE.search(match[3] or ""):
        return re.sub(r"[ -]", "_", attribute[1].strip()).upper()
    if name == "M":
        return None
    if name in labels.entity_codes or name in _GENERIC:
        return name
    if squeezed in labels.entity_codes:
        return squeezed
    is_capital = match[2].isupper() and len(name) > 1
    return name if is_capital else None


def _rewrite_tags(tagged: str, labels: LabelSchema, repairs: list[str]) -> str:
    codes = labels.entity_codes

    def note(pattern: re.Pattern[str], build: object, repair: str, text: str) -> str:
        def replace(match: re.Match[str]) -> str:
            made: str | None = build(match)  # type: ignore[operator]
            if made is None:
                return match[0]
            repairs.append(repair)
            return made

        return pattern.sub(replace, text)

    tagged = note(_ESCAPED, lambda m: f"<{m[1]}{m[2]}>" if m[2].upper() in codes else None, "escaped_tags", tagged)
    for pattern in _OTHER_BRACKETS:
        pairs = _list_pairs(pattern, tagged, codes)
        tagged = note(
            pattern,
            lambda m, pairs=pairs: f"<{'/' if m[1] else ''}{m[2].upper()}>" if m[2].upper() in pairs else None,
            "bracket_tags",
            tagged,
        )
    tagged = note(_UNNAMED_END, lambda m: _end_tag(m) if m[1].upper() in codes else None, "closing_tag", tagged)
    tagged = note(_LINKS, lambda m: f"<{m[2]}>{m[1]}</{m[2]}>" if m[2] in codes else None, "link_tags", tagged)
    tagged = note(_COLONS, lambda m: f"<{m[1]}>{m[2]}</{m[1]}>" if m[1] in codes else None, "colon_tags", tagged)
    if any(match[2].upper() in codes and match[2] not in codes for match in _TAG.finditer(tagged)):
        repairs.append("tag_case")
    return tagged


def _list_pairs(pattern: re.Pattern[str], tagged: str, codes: Collection[str]) -> set[str]:
    """Labels whose tags stand in these brackets, opening and closing ones."""
    names: dict[bool, set[str]] = {True: set(), False: set()}
    for match in pattern.finditer(tagged):
        names[bool(match[1])].add(match[2].upper())
    if pattern.pattern.startswith("<("):
        return names[True] & set(codes)
    return names[True] & names[False] & set(codes)


def _end_tag(match: re.Match[str]) -> str:
    return f"<{match[1]}>{match[2]}</{match[1]}>"


def strip_emphasis(tagged: str) -> tuple[str, bool]:
    """Tagged text without the Markdown emphasis that a model puts around every entity; True if it was there."""
    emphasised = len(_EMPHASIS.findall(tagged))
    is_all = emphasised > 1 and emphasised == len(re.findall(r"</[A-Z][A-Z0-9_]*>", tagged))
    return (_EMPHASIS.sub(r"\2", tagged), True) if is_all else (tagged, False)


def _unescape(piece: str) -> str:
    return _ENTITY_ESCAPES.sub(lambda match: _CHARACTERS[match[1]], piece) if "&" in piece else piece


def _end_of_word(text: str, start: int) -> int:
    match = re.compile(r"\S+").match(text, start)
    return match.end() if match else start
