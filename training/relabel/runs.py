"""Generation runs under a change of labels: accepted results and briefs in the journals.

What was asked and answered stays as it was (`raw/`), and so do the fingerprints of the prompts: a run that was begun
under other labels cannot go on, but its samples can be written again.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from goldspan.annotation.errors import StateError, TaggedTextError
from goldspan.annotation.labels.schema import LabelSchema
from goldspan.annotation.labelstudio.project.relabel import RelabelRules
from goldspan.annotation.labelstudio.rename import LabelChange
from goldspan.annotation.tasks.workspace import Workspace
from goldspan.annotation.text.tagged import parse_tagged, render_tagged
from goldspan.annotation.types import Entity, Mention
from goldspan.generators.journal.journal import Journal
from goldspan.generators.runs.folder import list_run_folders
from goldspan.generators.runs.output import write_dead_letters
from goldspan.training.relabel.effects import Effect

_TEXTS = frozenset({"value", "surface", "text", "reason"})
_TAGGED = frozenset({"tagged_text", "example"})
_COLUMNS = (
    ("SELECT item, spec FROM item", "UPDATE item SET spec = ? WHERE item = ?"),
    ("SELECT custom_id, result FROM row WHERE result IS NOT NULL", "UPDATE row SET result = ? WHERE custom_id = ?"),
)
"""What carries labels in a journal: statements that read a key and JSON, and that write it back."""


class RunPart:
    """The runs of a workspace whose journals name a label that changes."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace

    def plan(self, change: LabelChange) -> list[Effect]:
        """The runs that change."""
        return [Effect(folder, "results and briefs follow the new labels") for folder in self._list(change)]

    def list_files(self, change: LabelChange) -> list[Path]:
        """The journals."""
        return [folder / "journal.db" for folder in self._list(change)]

    def prepare(self, change: LabelChange, labels: LabelSchema) -> None:
        """Rewrite each journal in one transaction.

        Raises:
            StateError: a run is at work, or the disk refused.
        """
        for folder in self._list(change):
            with Journal(folder, lock=True) as journal:
                with journal.transaction(durable=True) as connection:
                    for read, write in _COLUMNS:
                        for key, stored in connection.execute(read).fetchall():
                            if (changed := _relabel_json(stored, change.rules, labels)) != stored:
                                connection.execute(write, (changed, key))
                    settings = journal.read_settings()
                    if plan := (settings.get("settings") or {}).get("plan"):
                        settings["settings"]["plan"] = relabel_value(plan, change.rules, labels)
                        journal.write_settings({"settings": settings["settings"]})
                write_dead_letters(journal)

    def finish(self, change: LabelChange, before: str, labels: LabelSchema) -> None:
        """Nothing is left to do."""

    def _list(self, change: LabelChange) -> Iterator[Path]:
        for folder in list_run_folders(self._workspace):
            try:
                with Journal(folder) as journal:
                    is_named = any(_is_named(journal, label) for label in change.rules.sources)
            except StateError:
                continue
            if is_named:
                yield folder


def _is_named(journal: Journal, label: str) -> bool:
    pattern = f"%{label}%"
    return bool(
        journal.query("SELECT 1 FROM item WHERE instr(spec, ?) LIMIT 1", (label,))
        or journal.query("SELECT 1 FROM row WHERE instr(result, ?) LIMIT 1", (label,))
        or journal.query("SELECT 1 FROM run WHERE key = 'settings' AND value LIKE ? LIMIT 1", (pattern,))
    )


def _relabel_json(stored: str, rules: RelabelRules, labels: LabelSchema) -> str:
    try:
        value = json.loads(stored)
    except ValueError:
        return stored
    changed = relabel_value(value, rules, labels)
    return stored if changed == value else json.dumps(changed, ensure_ascii=False)


def relabel_value(value: Any, rules: RelabelRules, labels: LabelSchema) -> Any:
    """JSON of a journal with the rules applied: labels, lists of labels, values with a label, and tagged text.

    What a rule cannot decide without a text (a label that was asked for and is split now) is left out.
    """
    if isinstance(value, dict):
        surface = next((value[name] for name in ("value", "surface") if isinstance(value.get(name), str)), "")
        return {
            name: part if name in _TEXTS else _relabel_field(name, part, surface, (rules, labels))
            for name, part in value.items()
        }
    if isinstance(value, list):
        kept = (part for part in value if not _is_removed(part, rules))
        return [_choose(p, rules) if isinstance(p, str) else relabel_value(p, rules, labels) for p in kept]
    return value


def _relabel_field(name: str, part: Any, surface: str, under: tuple[RelabelRules, LabelSchema]) -> Any:
    rules, labels = under
    if isinstance(part, str):
        if name in _TAGGED:
            return relabel_tagged(part, rules, labels)
        return (rules.choose(part, surface) or part) if surface else _choose(part, rules)
    return relabel_value(part, rules, labels)


def _choose(text: str, rules: RelabelRules) -> str:
    """The new name of a label; `missing_LABEL` follows its label."""
    prefix, mark, label = text.rpartition("missing_")
    name = label if mark else text
    return f"{prefix}{mark}{rules.rename[name]}" if name in rules.rename else text


def _is_removed(part: Any, rules: RelabelRules) -> bool:
    """True for a label that is removed or split, and for a value of one that is removed."""
    if isinstance(part, str):
        return part.removeprefix("missing_") in {*rules.remove, *rules.split}
    return isinstance(part, dict) and part.get("label") in rules.remove


def relabel_tagged(tagged: str, rules: RelabelRules, labels: LabelSchema) -> str:
    """Tagged text with the rules applied; as it is where it is no tagged text of these labels."""
    try:
        read = parse_tagged(tagged, labels)
    except TaggedTextError:
        return tagged
    entities = {
        Entity(one.start, one.end, label): None
        for one in read.entities
        if (label := rules.choose(one.label, read.text[one.start : one.end])) is not None
    }
    mentions = {
        Mention(one.start, one.end, kind, one.cluster): None
        for one in read.mentions
        if (kind := rules.choose(one.label, read.text[one.start : one.end])) is not None
    }
    if (tuple(entities), tuple(mentions)) == (read.entities, read.mentions):
        return tagged
    return render_tagged(read.text, tuple(entities), tuple(mentions))
