"""What a project's labelling config lets a model write: label controls and the text they belong to."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from xml.parsers import expat

from goldspan.annotation.errors import ConfigurationError


@dataclass(frozen=True, slots=True)
class LabelControls:
    """The `<Labels>` controls of a config: for each label its control, and the text they all belong to.

    `field` is the key of the task's data that holds the text, `text_name` the name of the `<Text>`. Unless
    `keeps_text`, results hold offsets and not the marked words.
    """

    field: str
    text_name: str
    by_label: dict[str, str]
    keeps_text: bool = True

    def require(self, labels: Iterable[str]) -> None:
        """Make sure that every label of a model can be written.

        Raises:
            ConfigurationError: the config lacks some; the message names them.

        """
        missing = sorted(set(labels) - set(self.by_label))
        if missing:
            shown = ", ".join(missing[:12]) + (" …" if len(missing) > 12 else "")
            raise ConfigurationError(
                f"The project's labelling config lacks labels that the model gives: {shown}. Add them to the config, "
                "or serve a model of the project's own labels."
            )


def read_controls(xml: str) -> LabelControls:
    """The controls of a labelling config.

    Raises:
        ConfigurationError: it is not XML, declares entities, or has no `<Text>` with `<Labels>`.

    """
    texts: dict[str, str] = {}
    bare: set[str] = set()
    controls: dict[str, tuple[str, list[str]]] = {}
    current = ""

    def read_tag(tag: str, attributes: dict[str, str]) -> None:
        nonlocal current
        if tag == "Text":
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
    fitting = {name: (text, labels) for name, (text, labels) in controls.items() if text in texts}
    if not fitting:
        raise ConfigurationError("The labelling config has no <Text> with <Labels>.")
    text_name = next(iter(fitting.values()))[0]
    by_label: dict[str, str] = {}
    for name, (text, labels) in fitting.items():
        if text == text_name:
            for label in labels:
                by_label.setdefault(label, name)
    return LabelControls(texts[text_name], text_name, by_label, text_name not in bare)
