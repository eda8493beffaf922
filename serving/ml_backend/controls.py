"""What a project's labelling config lets a model write: label controls and the text they belong to."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any
from xml.parsers import expat

from goldspan.annotation.errors import ConfigurationError


@dataclass(frozen=True, slots=True)
class LabelControls:
    """The `<Labels>` controls of one `<Text>`: for each label its control.

    `field` is the key of the task's data that holds the text, `text_name` the name of the `<Text>`. Unless
    `keeps_text`, results hold offsets and not the marked words.
    """

    field: str
    text_name: str
    by_label: dict[str, str]
    keeps_text: bool = True


def require_labels(controls: Sequence[LabelControls], labels: Iterable[str]) -> None:
    """Make sure that every label of a model can be written to some text.

    Raises:
        ConfigurationError: the config lacks some; the message names them.
    """
    missing = sorted(set(labels).difference(*(one.by_label for one in controls)))
    if missing:
        shown = ", ".join(missing[:12]) + (" …" if len(missing) > 12 else "")
        raise ConfigurationError(
            f"The project's labelling config lacks labels that the model gives: {shown}. Add them to the config, "
            "or serve a model of the project's own labels."
        )


def read_controls(xml: str) -> tuple[LabelControls, ...]:
    """The controls of each text of a labelling config, in the order of its `<Labels>`.

    Raises:
        ConfigurationError: it is not XML, declares entities, or has no `<Text>` with `<Labels>` whose text stands in
            the task.
    """
    texts: dict[str, str] = {}
    bare: set[str] = set()
    addresses: list[str] = []
    controls: dict[str, tuple[str, list[str]]] = {}
    current = ""

    def read_tag(tag: str, attributes: dict[str, str]) -> None:
        nonlocal current
        if tag == "Text" and attributes.get("valueType") == "url":
            addresses.append(attributes.get("name", ""))
        elif tag == "Text":
            texts[attributes.get("name", "")] = attributes.get("value", "").removeprefix("$")
            if attributes.get("saveTextResult") == "no":
                bare.add(attributes.get("name", ""))
        elif tag == "Labels":
            current = attributes.get("name", "")
            controls[current] = (attributes.get("toName", ""), [])
        elif tag == "Label" and current:
            controls[current][1].append(attributes.get("alias") or attributes.get("value", ""))

    def refuse_entity(*_: Any) -> None:
        raise ConfigurationError("The labelling config declares XML entities; those are not read.")

    parser = expat.ParserCreate()
    parser.StartElementHandler = read_tag
    parser.EntityDeclHandler = refuse_entity
    try:
        parser.Parse(xml, True)
    except expat.ExpatError as error:
        raise ConfigurationError(f"The labelling config is not readable XML: {error}.") from None
    by_text: dict[str, dict[str, str]] = {}
    for name, (text, labels) in controls.items():
        for label in labels if text in texts else ():
            by_text.setdefault(text, {}).setdefault(label, name)
    if not by_text:
        reason = f" that is no address (valueType=url: {', '.join(addresses)[:60]})" if addresses else ""
        raise ConfigurationError(f"The labelling config has no <Text> with <Labels>{reason}.")
    return tuple(LabelControls(texts[text], text, labels, text not in bare) for text, labels in by_text.items())
