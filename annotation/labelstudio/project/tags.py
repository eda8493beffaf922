"""Read a labelling config: object tags, control tags and relations, with any names a team chose."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any
from xml.parsers import expat

from goldspan.annotation.errors import ConfigurationError

TEXT_TAGS = frozenset({"Text", "HyperText", "Paragraphs"})
"""Object tags whose regions are spans of text."""

SPAN_TAGS = frozenset({"Labels", "HyperTextLabels", "ParagraphLabels"})
"""Control tags whose results are labelled spans; the result type and its label key are the tag in lower case."""

_OBJECT_TAGS = TEXT_TAGS | {"Image", "Audio", "AudioPlus", "Video", "TimeSeries", "Table", "List", "Pdf", "Chat"}


@dataclass(frozen=True, slots=True)
class ObjectTag:
    """A tag that shows data. `field` is the key of `data` that `value` names, without its `$`; dots lead into objects.

    `encoding` is that of the content (`base64`), empty for plain text.
    """

    kind: str
    name: str
    field: str
    is_url: bool = False
    text_key: str = "text"
    encoding: str = ""

    def read(self, data: Mapping[str, Any]) -> Any:
        """The content that a task's data has for this tag; None if it has none."""
        if self.field in data:
            return data[self.field]
        found: Any = data
        for key in self.field.split("."):
            found = found.get(key) if isinstance(found, Mapping) else None
        return found


@dataclass(frozen=True, slots=True)
class ControlTag:
    """A tag that makes results for the object tags that `to_name` lists; `labels` are its choices.

    Each task brings further labels under the key `source` of its data, if that is not empty.
    """

    kind: str
    name: str
    to_name: str
    labels: tuple[str, ...] = ()
    multiple: bool = False
    source: str = ""

    @property
    def targets(self) -> tuple[str, ...]:
        """The names of its object tags."""
        return tuple(name.strip() for name in self.to_name.split(","))

    @property
    def makes_spans(self) -> bool:
        """True if its results are labelled spans of text."""
        return self.kind in SPAN_TAGS

    @property
    def result_type(self) -> str:
        """`type` of its results, and the key of `value` that holds the labels."""
        return self.kind.lower()


@dataclass(frozen=True, slots=True)
class ConfigTags:
    """What a labelling config declares."""

    objects: tuple[ObjectTag, ...] = ()
    controls: tuple[ControlTag, ...] = ()
    relations: tuple[str, ...] = ()

    @property
    def span_controls(self) -> tuple[ControlTag, ...]:
        """Control tags whose results are labelled spans of text."""
        return tuple(control for control in self.controls if control.makes_spans)


def parse_tags(xml: str) -> ConfigTags:
    """Read the tags of a labelling config.

    Raises:
        ConfigurationError: it is not readable XML, or declares entities.
    """
    objects: list[ObjectTag] = []
    relations: list[str] = []
    controls: list[tuple[ControlTag, list[str]]] = []
    open_controls: list[tuple[str, list[str]]] = []

    def start(tag: str, attributes: dict[str, str]) -> None:
        name, value = attributes.get("name", ""), attributes.get("value", "")
        if tag in _OBJECT_TAGS:
            is_url = attributes.get("valueType", attributes.get("valuetype", "")).lower() == "url"
            text_key = attributes.get("textKey", attributes.get("textkey", "text"))
            encoding = attributes.get("encoding", "none").lower().removeprefix("none")
            objects.append(ObjectTag(tag, name, value.removeprefix("$"), is_url, text_key, encoding))
        elif tag == "Relation":
            relations.append(value)
        elif "toName" in attributes or "toname" in attributes:
            to_name = attributes.get("toName", attributes.get("toname", ""))
            labels: list[str] = []
            multiple = attributes.get("choice", "single") == "multiple"
            source = value.removeprefix("$") if value.startswith("$") else ""
            controls.append((ControlTag(tag, name, to_name, (), multiple, source), labels))
            open_controls.append((tag, labels))
        elif open_controls and tag in {"Label", "Choice"} and (value or attributes.get("alias")):
            open_controls[-1][1].append(attributes.get("alias") or value)

    def end(tag: str) -> None:
        if open_controls and open_controls[-1][0] == tag:
            open_controls.pop()

    walk_xml(xml, start, end)
    built = tuple(replace(control, labels=tuple(labels)) for control, labels in controls)
    return ConfigTags(tuple(objects), built, tuple(relations))


def walk_xml(
    xml: str,
    start: Callable[[str, dict[str, str]], None],
    end: Callable[[str], None] = lambda _: None,
    position: list[Any] | None = None,
) -> None:
    """Call `start` and `end` for each element; `position`, if given, receives the parser for byte positions.

    Raises:
        ConfigurationError: the config is not readable XML, or declares entities.
    """

    def refuse_entity(*_: Any) -> None:
        raise ConfigurationError("The project's labelling config declares XML entities; Goldspan does not read those.")

    parser = expat.ParserCreate("UTF-8")
    parser.StartElementHandler = start
    parser.EndElementHandler = end
    parser.EntityDeclHandler = refuse_entity
    if position is not None:
        position.append(parser)
    try:
        parser.Parse(xml.encode(), True)
    except expat.ExpatError as error:
        raise ConfigurationError(f"The project's labelling config is not readable XML: {error}.") from None


def iter_span_labels(tags: ConfigTags) -> Iterator[tuple[ControlTag, str]]:
    """Each label of each control whose results are spans."""
    for control in tags.span_controls:
        for label in control.labels:
            yield control, label
