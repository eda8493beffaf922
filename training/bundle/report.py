"""Summary and warnings of a bundle, for the command line and the dashboard."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from goldspan.annotation.corpus.splits import explain_empty
from goldspan.annotation.wording import format_count

_MOST_LOOKUP = 0.3
"""Share of held-out entities that a lookup may solve before a bundle warns."""


def summarise(manifest: Mapping[str, Any]) -> str:
    """The manifest in one sentence."""
    data, split = manifest["data"], manifest["split"]
    leakage = "nothing is held out"
    if split["leakage"]["held_out"]:
        leakage = f"leakage {split['leakage']['group']:.1%}, random split {split['random_leakage']['group']:.1%}"
        if "carrier" in split["leakage"]:
            leakage += f", {split['leakage']['carrier']:.1%} of held-out sentences in train but for their entities"
    return (
        f"{format_count(data['samples'], 'sample')} ({data['reviewed']} reviewed), "
        f"{format_count(data['entities'], 'entity')}, "
        f"{format_count(data['clusters'], 'cluster')}; {show_sizes(manifest)}; "
        f"{format_count(split['groups'], 'group')}; {leakage}."
    )


def show_sizes(manifest: Mapping[str, Any]) -> str:
    """How many samples each split has, the largest first."""
    sizes = sorted(manifest["split"]["sizes"].items(), key=lambda item: -item[1])
    return ", ".join(f"{name} {size}" for name, size in sizes)


def list_warnings(manifest: Mapping[str, Any]) -> list[str]:
    """What to know before training on a bundle."""
    data, split, gate = manifest["data"], manifest["split"], manifest["gate"]
    warnings = [f"{said}." for said in explain_empty(split["sizes"], split["groups"])]
    warnings += [f"{count} left out: {reason.replace('_', ' ')}." for reason, count in data["left_out"].items()]
    if split["leakage"].get("lookup", 0.0) > _MOST_LOOKUP:
        warnings.append(
            f"A lookup of sentences in train labels {split['leakage']['lookup']:.0%} of the held-out entities: "
            "scores on this test split say little about other texts."
        )
    if data["negatives"]:
        warnings.append(f"kiji's loader passes over {format_count(data['negatives'], 'sample')} without a span.")
    if gate["verdict"] == "not_asked":
        warnings += gate["reasons"] or [
            "The gate was not checked: it judges the workspace's training_samples, not other files."
        ]
    return warnings
