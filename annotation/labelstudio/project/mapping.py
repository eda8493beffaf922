"""How a project's object and control tags map onto a sample and the label schema."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from goldspan.annotation.errors import ConfigurationError
from goldspan.annotation.labels.schema import LabelSchema
from goldspan.annotation.labelstudio.project.tags import TEXT_TAGS, ConfigTags, ControlTag, ObjectTag, iter_span_labels
from goldspan.annotation.tasks.codec import ENTITY_CONTROL, MENTION_CONTROL, TEXT_NAME

KEPT_VERBATIM = ""
"""As a code: regions of this label are kept as they are and are no entities."""


@dataclass(frozen=True, slots=True)
class ProjectMapping:
    """The text of a task and the meaning of its regions.

    `text` is the object tag that holds the text; `controls` are the control tags that mark spans of it, by name.
    `codes` gives the label code of each of their labels. `coreference` is the relation that links mentions; with
    `implicit`, a relation without a label means the same.
    """

    text: ObjectTag
    controls: Mapping[str, ControlTag]
    codes: Mapping[str, str]
    coreference: str = ""
    implicit: bool = False
    unmapped: tuple[str, ...] = field(default=())

    @property
    def is_native(self) -> bool:
        """True for tasks in Goldspan's own shape: one `<Text>` of `data.text`, controls `label` and `mention`."""
        return (
            (self.text.kind, self.text.name, self.text.field, self.text.is_url) == ("Text", TEXT_NAME, "text", False)
            and self.controls.keys() <= {ENTITY_CONTROL, MENTION_CONTROL}
            and all(code == label for label, code in self.codes.items())
        )


def map_tags(
    tags: ConfigTags,
    labels: LabelSchema,
    codes: Mapping[str, str] | None = None,
    *,
    text_name: str = "",
    coreference: str | None = None,
) -> ProjectMapping:
    """Map a project's tags; labels that `codes` leaves out mean the code of the same name.

    A control whose labels stand in the tasks has all labels of `codes`.

    Raises:
        ConfigurationError: the project shows no text, or spans are marked in several texts and none was chosen.
    """
    text = _choose_text(tags, text_name)
    if text.encoding:
        raise ConfigurationError(
            f"The texts of the project are encoded ({text.encoding}), which is not read. Show them with a plain <Text>."
        )
    given = codes or {}
    controls = {
        control.name: replace(control, labels=tuple(dict.fromkeys([*control.labels, *given])))
        if control.source
        else control
        for control in tags.span_controls
        if text.name in control.targets
    }
    tags = replace(tags, controls=tuple(controls.values()))
    mapped = {label: given.get(label, label) for control, label in iter_span_labels(tags) if control.name in controls}
    if coreference is None:
        coreference = labels.relation if labels.relation in tags.relations else ""
    if not labels.mentions:
        coreference = ""
    return ProjectMapping(
        text=text,
        controls=controls,
        codes=mapped,
        coreference=coreference,
        implicit=bool(coreference) and set(tags.relations) == {coreference},
        unmapped=tuple(label for label, code in mapped.items() if code != KEPT_VERBATIM and code not in labels),
    )


def _choose_text(tags: ConfigTags, name: str) -> ObjectTag:
    texts = [item for item in tags.objects if item.kind in TEXT_TAGS]
    if name:
        chosen = [item for item in texts if item.name == name]
        known = ", ".join(item.name for item in texts) or "none"
        if not chosen:
            raise ConfigurationError(f"The labelling config has no text named {name!r}; it has: {known}.")
        return chosen[0]
    targets = {name for control in tags.span_controls for name in control.targets}
    marked = [item for item in texts if item.name in targets] or texts[:1]
    if not marked:
        kinds = ", ".join(item.kind for item in tags.objects) or "nothing"
        raise ConfigurationError(f"The project shows no text (its labelling config shows {kinds}).")
    if len(marked) > 1:
        names = ", ".join(item.name for item in marked)
        raise ConfigurationError(
            f"Spans are marked in several texts of the project ({names}). "
            "Choose one with `goldspan studio adopt PROJECT --text NAME`."
        )
    return marked[0]
