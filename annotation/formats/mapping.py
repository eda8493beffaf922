"""Map the labels of an imported file onto the label schema: given pairs, a taxonomy, the schema's own names."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import orjson

from goldspan.annotation.configuration import parse_toml
from goldspan.annotation.errors import InputError, UnknownNameError
from goldspan.annotation.labels.schema import LabelSchema
from goldspan.annotation.labels.taxonomy import (
    OWN,
    LabelMapping,
    Taxonomy,
    find_taxonomy,
    list_taxonomies,
    load_taxonomy,
    open_taxonomy,
)

_IGNORED = {"", "-", "none"}


def read_label_map(entries: Sequence[str], labels: LabelSchema) -> dict[str, str]:
    """Pairs of `--labels-map`: `external=OURS`, or a TOML or JSON file of such pairs; `external=` drops a label.

    Raises:
        InputError: an entry is neither, or maps to a label that the schema lacks.
    """
    pairs: dict[str, str] = {}
    for entry in entries:
        path = Path(entry)
        if path.suffix.lower() in {".toml", ".json"} and "=" not in entry:
            pairs |= _read_file(path)
        elif "=" in entry:
            external, _, ours = entry.rpartition("=")
            pairs[external.strip()] = ours.strip()
        else:
            raise InputError(f"--labels-map {entry}: give EXTERNAL=LABEL, or a .toml or .json file of such pairs.")
    for external, ours in pairs.items():
        if ours.lower() not in _IGNORED and ours not in labels:
            raise InputError(f"{external!r} maps to {ours!r}, which the label schema lacks; see goldspan labels list.")
    return pairs


def _read_file(path: Path) -> dict[str, str]:
    try:
        data = path.read_bytes()
        document = orjson.loads(data) if path.suffix.lower() == ".json" else parse_toml(data.decode())
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror}.") from None
    except (ValueError, RecursionError) as error:
        raise InputError(f"{path} is not valid: {error}.") from None
    table = document.get("labels", document) if isinstance(document, dict) else None
    if not isinstance(table, dict) or not all(isinstance(value, str) for value in table.values()):
        raise InputError(f'{path} needs a table [labels] of lines "external" = "LABEL".')
    return dict(table)


def build_mapping(
    found: Iterable[str], labels: LabelSchema, pairs: Mapping[str, str], taxonomy: str = ""
) -> tuple[Taxonomy, tuple[str, ...]]:
    """A mapping for the labels found in a file, and those that it does not know.

    Pairs win over the taxonomy, the taxonomy over the schema's own codes. Without a taxonomy the smallest shipped one
    that knows all labels, and has a counterpart of one of them, is taken where the schema and the pairs do not.

    Raises:
        UnknownNameError: there is no taxonomy of this name.
    """
    wanted = list(dict.fromkeys(found))
    own = open_taxonomy(OWN, labels)
    given = {external: map_label(external, ours, labels) for external, ours in pairs.items()}
    mentions = labels.mention_codes
    missing = [label for label in wanted if label not in own.targets and label not in given and label not in mentions]
    chosen = open_taxonomy(taxonomy, labels) if taxonomy else own
    if missing and not taxonomy:
        chosen = _find_useful(missing) or own
    targets = {**own.targets, **chosen.targets, **given}
    targets |= {
        label: targets[name] for label in wanted if label not in targets and (name := _find_name(label, labels))
    }
    unknown = tuple(label for label in wanted if label not in targets and label not in mentions)
    return Taxonomy(chosen.name, chosen.title, targets, boundaries=chosen.boundaries), unknown


def _find_useful(missing: Sequence[str]) -> Taxonomy | None:
    """The smallest shipped taxonomy that knows all labels and has a counterpart of one; else they are unknown."""
    try:
        found = find_taxonomy("", missing)
    except UnknownNameError:
        return None
    return found if any(found.resolve(label).label for label in missing) else None


def map_label(external: str, ours: str, labels: LabelSchema) -> LabelMapping:
    """The mapping of one external label to one of ours; empty, `-` or `none` drops its spans."""
    if ours.lower() in _IGNORED:
        return LabelMapping(external, "", "OTHER")
    return LabelMapping(external, ours, labels[ours].group)


def _find_name(label: str, labels: LabelSchema) -> str:
    """The code that a label is but for letter case and the marks between its words, or whose display name it is."""
    wanted = _normalise(label)
    by_code = (one.code for one in labels.entities if _normalise(one.code) == wanted)
    by_name = [one.code for one in labels.entities if one.name == label]
    return next(by_code, by_name[0] if len(by_name) == 1 else "")


def draft_mapping(unknown: Sequence[str], labels: LabelSchema) -> dict[str, str]:
    """A suggestion for each label: a taxonomy's, by display name, the nearest code, a path's end; empty: none."""
    known = {_normalise(label.code): label.code for label in labels.entities}
    names = {_normalise(label.name): label.code for label in labels.entities}
    for name in list_taxonomies():
        for external, target in load_taxonomy(name).targets.items():
            if target.label in labels.entity_codes:
                names.setdefault(_normalise(external), target.label)
    names |= known
    draft = {}
    for label in unknown:
        wanted = _normalise(label)
        nearest = difflib.get_close_matches(wanted, names, n=1, cutoff=0.85)
        last = names.get(_normalise(re.split(r"[/:.>|]", label)[-1]), "")
        draft[label] = names.get(wanted) or (names[nearest[0]] if nearest else last)
    return draft


def render_draft(draft: Mapping[str, str]) -> str:
    """The suggestion as the TOML file that `--labels-map` reads; an empty label drops the spans of its line."""
    lines = ["# external label = label of the schema; empty: leave its spans out", "[labels]"]
    lines += [f"{orjson.dumps(external).decode()} = {orjson.dumps(ours).decode()}" for external, ours in draft.items()]
    return "\n".join(lines) + "\n"


def _normalise(label: str) -> str:
    return "".join(character for character in label.casefold() if character.isalnum())
