"""Build the Label Studio config from the label schema, and diff it against a project's.

Entities and mentions are two `<Labels>` controls on one `<Text>`, so that both layers may cover the same words.
Label Studio's `<Text>` counts Unicode code points, as Python does; no other object tag does, hence no other is used.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from html import escape, unescape
from string import ascii_lowercase
from xml.etree import ElementTree

from goldspan.annotation.labels.schema import Label, LabelSchema
from goldspan.annotation.labelstudio.project.screen import build_frame, was_built_earlier
from goldspan.annotation.labelstudio.project.tags import walk_xml
from goldspan.annotation.project import ENTITIES, Purpose
from goldspan.annotation.tasks.codec import ENTITY_CONTROL, MENTION_CONTROL, TEXT_NAME

TAKEN_KEYS = frozenset("u")
"""Single keys that Label Studio's editor uses itself (`u` unselects a region)."""

FILTER_FROM = 12
"""Number of entity labels from which a search box is shown."""

_DIGITS = "1234567890"
_OWN_LINE = re.compile(r"$|- \*\*\w+\*\* |###### ")
"""What a line of our guideline begins with."""

_MARKDOWN = re.compile(r"[\\`*_{}\[\]<>()#+.!|$&~\-]")


@dataclass(frozen=True, slots=True)
class ConfigDrift:
    """How a project's labelling config differs from the label schema.

    Each entry names one thing: `label PASSPORT`, `mention PRONOUN`, `relation refers-to`, `control label`,
    and in `changed` also which attribute went from what to what. `cosmetic` lists differences in appearance.
    """

    added: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()
    cosmetic: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        """True if annotations made with the project's config can differ in meaning from the schema."""
        return bool(self.added or self.removed or self.changed)

    def __str__(self) -> str:
        parts = (("missing", self.added), ("not in the schema", self.removed), ("changed", self.changed))
        return "; ".join(f"{name}: {', '.join(entries)}" for name, entries in parts if entries) or "no difference"


def assign_hotkeys(labels: Iterable[Label]) -> dict[str, str]:
    """One key per label code; labels get none when the keys run out.

    The schema's own come first. Then an entity label gets the first free letter of its code, a mention label the
    first free digit; then any free key.
    """
    labels = tuple(labels)
    keys: dict[str, str] = {}
    for label in labels:
        if label.hotkey and label.hotkey not in TAKEN_KEYS and label.hotkey not in keys.values():
            keys[label.code] = label.hotkey
    free = [key for key in _DIGITS + ascii_lowercase if key not in TAKEN_KEYS and key not in keys.values()]
    for label in sorted(labels, key=lambda label: label.layer != "mention"):
        wanted = free if label.layer == "mention" else [*label.code.lower(), *reversed(free)]
        key = next((key for key in wanted if key in free), None)
        if label.code not in keys and key is not None:
            keys[label.code] = key
            free.remove(key)
    return keys


def build_config(labels: LabelSchema) -> str:
    """The project's labelling config as XML: guideline, both label controls, relation, text."""
    keys = assign_hotkeys(labels.labels)
    frame = build_frame(keeps_text=not labels.purpose.is_pii)
    ElementTree.SubElement(frame.guide, "Markdown", value=build_guideline(labels))
    if len(labels.entities) >= FILTER_FROM:
        search = {"minlength": "0", "hotkey": "shift+f", "placeholder": "Find a label (Shift+F)"}
        ElementTree.SubElement(frame.board, "Filter", search, name="find", toName=ENTITY_CONTROL)
    _add_control(frame.board, ENTITY_CONTROL, labels.categories, keys, {"smart": "true"})
    if labels.mentions:
        _add_control(frame.board, MENTION_CONTROL, {"Mentions": labels.mentions}, keys, {})
    relations = ElementTree.SubElement(frame.root, "Relations")
    for relation in (labels.relation, *labels.other_relations):
        ElementTree.SubElement(relations, "Relation", value=relation)
    ElementTree.indent(frame.root)
    return ElementTree.tostring(frame.root, encoding="unicode")


def build_guideline(labels: LabelSchema) -> str:
    """The hints of every label as Markdown; text from the schema is escaped."""
    lines: list[str] = []
    for category, members in (*labels.categories.items(), ("Mentions", labels.mentions)):
        if members:
            lines += ["", f"###### {_escape_markdown(category)}", ""]
        lines += [
            f"- **{_escape_markdown(label.code)}** {_escape_markdown('. '.join((label.name, *label.guidance)))}"
            for label in members
        ]
    return "\n".join(lines).strip()


def build_instructions(labels: LabelSchema) -> str:
    """The project's instructions for annotators as HTML; text from the schema is escaped."""
    parts = [
        f"<p>Mark {_name_subject(labels)} with the label that fits best, and only with one. "
        "Mark it each time it occurs, without blanks or punctuation around it.</p>",
        *([f"<p>{escape(labels.purpose.instructions)}</p>"] if labels.purpose.instructions else []),
        *_describe_mentions(labels),
        "<p>Keys: the letter or digit on a label chooses it, then drag over the words. With a span selected, the key "
        "of another label changes it, Backspace removes it, Alt+R and a click on another span links the two. "
        "Ctrl+Enter submits, Ctrl+Space skips.</p>",
    ]
    for category, members in (*labels.categories.items(), ("Mentions", labels.mentions)):
        rows = (
            f"<li><b>{escape(label.code)}</b> {escape('. '.join((label.name, *label.guidance)))}</li>"
            for label in members
        )
        parts.append(f"<br><h4>{escape(category)}</h4><ul>{''.join(rows)}</ul>")
    return "\n".join(parts)


def _name_subject(labels: LabelSchema) -> str:
    subject = labels.purpose.subject
    return "every piece of personal data" if subject == Purpose().subject else f"all {escape(subject)}"


def _describe_mentions(labels: LabelSchema) -> list[str]:
    if not labels.mentions:
        return []
    same = "person" if labels.purpose.is_pii else "thing or person"
    return [
        f"<p>Mark names, pronouns and references to the same {same} as mentions, and link each later one to the "
        f"first with <b>{escape(labels.relation)}</b>.</p>"
    ]


def compare_config(labels: LabelSchema, xml: str) -> ConfigDrift:
    """Diff the schema against a project's config.

    `added` is in the schema and not in the project, `removed` the other way round. A schema without mentions needs no
    relation.

    Raises:
        ConfigurationError: the config is not XML that can be read.
    """
    ours, theirs = _read_controls(build_config(labels)), _read_controls(xml)
    changed: list[str] = []
    cosmetic: list[str] = []
    for entry in ours.keys() & theirs.keys():
        for attribute, value in ours[entry].items():
            other = theirs[entry].get(attribute, "")
            if value.lower() != other.lower():
                target = cosmetic if attribute in {"background", "hotkey"} else changed
                target.append(f"{entry} {attribute} {other or 'nothing'} should be {value}")
    return ConfigDrift(
        added=tuple(
            entry for entry in ours if entry not in theirs and (labels.mentions or not entry.startswith("relation "))
        ),
        removed=tuple(entry for entry in theirs if entry not in ours),
        changed=tuple(sorted(changed)),
        cosmetic=tuple(sorted(cosmetic)),
    )


def is_own_config(xml: str) -> bool:
    """True for a config that `build_config` made, today or in an earlier version, and that nobody has changed since.

    Labels, headings and hints may be any; every other tag, attribute and the style must be ours.
    """
    labels = [Label(f"L{number}", "x") for number in range(FILTER_FROM)]
    ours = build_config(LabelSchema((*labels, Label("M", "x", layer="mention"))))
    known = _read_frame(ours)[0] | _read_frame(build_config(LabelSchema((), purpose=ENTITIES)))[0]
    theirs, guideline = _read_frame(xml)
    return all(tag in known or was_built_earlier(tag) for tag in theirs) and all(
        _OWN_LINE.match(line) for line in guideline.splitlines()
    )


def is_current_screen(labels: LabelSchema, xml: str) -> bool:
    """True if everything but the labels is as `build_config` makes it today."""
    return _read_frame(build_config(labels))[0] <= _read_frame(xml)[0]


def _read_frame(xml: str) -> tuple[frozenset[str], str]:
    """The tags of a config without what comes from the label schema, its style included, and the guideline."""
    frame: set[str] = set()
    guideline: list[str] = []
    from_schema = {"Label": ("value", "background", "hint", "hotkey"), "Header": ("value",), "Relation": ("value",)}

    def read_tag(tag: str, attributes: dict[str, str]) -> None:
        if tag == "Markdown":
            guideline.append(attributes.pop("value", ""))
        fixed = {name: value for name, value in attributes.items() if name not in from_schema.get(tag, ())}
        frame.add(f"{tag} {sorted(fixed.items())}")

    walk_xml(xml, read_tag)
    texts = re.sub(r"<[^>]*>", " ", xml)
    return frozenset({*frame, " ".join(unescape(texts).split())}), "\n".join(guideline)


def _add_control(
    board: ElementTree.Element,
    name: str,
    categories: Mapping[str, tuple[Label, ...]],
    keys: Mapping[str, str],
    attributes: dict[str, str],
) -> None:
    fields = {"name": name, "toName": TEXT_NAME, "showInline": "true"} | attributes
    control = ElementTree.SubElement(board, "Labels", fields)
    shelf = ElementTree.SubElement(control, "View", className="goldspan-labels")
    for heading, members in categories.items():
        column = ElementTree.SubElement(shelf, "View", className="goldspan-category")
        ElementTree.SubElement(column, "Header", value=_escape_dollar(heading), size="6")
        for label in members:
            hotkey = {"hotkey": keys[label.code]} if label.code in keys else {}
            appearance = {"background": label.color, "hint": _escape_dollar(" | ".join((label.name, *label.hints)))}
            ElementTree.SubElement(column, "Label", {"value": label.code} | appearance | hotkey)


def _escape_dollar(text: str) -> str:
    """Replace `$`, which Label Studio would expand as task data, with the full-width sign."""
    return text.replace("$", "\N{FULLWIDTH DOLLAR SIGN}")


def _escape_markdown(text: str) -> str:
    return _MARKDOWN.sub(lambda match: f"&#{ord(match.group())};", " ".join(text.split()))


def _read_controls(xml: str) -> dict[str, dict[str, str]]:
    entries: dict[str, dict[str, str]] = {}
    control = ""

    def read_tag(tag: str, attributes: dict[str, str]) -> None:
        nonlocal control
        value = attributes.get("value", "")
        if tag == "Labels":
            control = attributes.get("name", "")
            entries[f"control {control}"] = {"toName": attributes.get("toName", "")}
        elif tag == "Label":
            kind = {ENTITY_CONTROL: "label", MENTION_CONTROL: "mention"}.get(control, f"{control} label")
            entries[f"{kind} {value}"] = {key: attributes.get(key, "") for key in ("background", "hotkey")}
        elif tag == "Relation":
            entries[f"relation {value}"] = {}
        elif tag == "Text":
            entries[f"text {attributes.get('name', '')}"] = {"value": value}

    walk_xml(xml, read_tag)
    return entries
