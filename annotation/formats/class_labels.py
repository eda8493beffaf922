"""ClassLabel numbers as names, from the description of columns that `datasets` writes into and beside its files."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from goldspan.annotation.tasks.record import parse_json

Features = Mapping[str, Any]
"""The columns of a data set by name, as `datasets` describes them."""


def find_features(document: Any) -> Features:
    """The features that a description holds at any depth; empty if it has none.

    Of several configurations, columns that these describe differently are left out: the file does not say which it is.
    """
    found: list[Features] = []
    pending = [document]
    while pending:
        node = pending.pop()
        if isinstance(node, dict):
            if isinstance(features := node.get("features"), dict):
                found.append(features)
            else:
                pending += node.values()
    columns = {name: feature for features in found for name, feature in features.items()}
    return {n: feature for n, feature in columns.items() if all(one.get(n, feature) == feature for one in found)}


def read_features_beside(path: Path) -> Features:
    """The features in `dataset_info.json` beside a file; empty if there are none."""
    for name in ("dataset_info.json", "dataset_infos.json"):
        try:
            return find_features(parse_json((path.parent / name).read_bytes()))
        except (OSError, ValueError):
            continue
    return {}


def find_tag_names(features: Features, columns: Iterable[str]) -> tuple[str, ...]:
    """The names of the first of these columns that lists ClassLabel numbers."""
    for column in columns:
        inner = _find_items(features.get(column))
        if isinstance(inner, Mapping) and isinstance(inner.get("names"), list):
            return tuple(str(name) for name in inner["names"])
    return ()


def decode_row(row: Mapping[str, Any], features: Features) -> dict[str, Any]:
    """A row with names in place of ClassLabel numbers, at any depth."""
    return {name: _decode(value, features.get(name)) for name, value in row.items()}


def _decode(value: Any, feature: Any) -> Any:
    if isinstance(value, int) and not isinstance(value, bool):
        names = feature.get("names") if isinstance(feature, Mapping) else None
        return names[value] if isinstance(names, list) and 0 <= value < len(names) else value
    if isinstance(value, list):
        inner = _find_items(feature)
        return [_decode(item, inner) for item in value] if inner is not None else value
    if isinstance(value, Mapping) and isinstance(feature, Mapping):
        inner = _find_items(feature)
        if isinstance(inner, Mapping):  # a list of objects, stored as an object of lists
            return {name: _decode(items, [inner.get(name)]) for name, items in value.items()}
        return decode_row(value, feature)
    return value


def _find_items(feature: Any) -> Any:
    """The description of the items of a list; None for what is no list, such as an object with a field `feature`."""
    if isinstance(feature, list):
        return feature[0] if feature else None
    if not isinstance(feature, Mapping) or any(
        isinstance(feature[name], Mapping) for name in feature if name != "feature"
    ):
        return None
    return feature.get("feature")
