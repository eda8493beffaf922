"""What kiji's training loader does with a folder of files, written anew from its description.

It takes the text from `data.text` and the first annotation's result, else the first prediction's; a result without
items means no sample. Regions that a relation starts from count as mentions of the region it ends at, and only the
latter keeps its label. A sample with a label outside the standard set is dropped; mention kinds do not count.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

STANDARD = frozenset(
    [
        "SURNAME",
        "FIRSTNAME",
        "BUILDINGNUM",
        "STREET",
        "CITY",
        "STATE",
        "ZIP",
        "COUNTRY",
        "EMAIL",
        "PHONENUMBER",
        "URL",
        "USERNAME",
        "DATEOFBIRTH",
        "AGE",
        "SSN",
        "DRIVERLICENSENUM",
        "PASSPORTID",
        "NATIONALID",
        "IDCARDNUM",
        "TAXNUM",
        "LICENSEPLATENUM",
        "CREDITCARDNUMBER",
        "IBAN",
        "COMPANYNAME",
        "PASSWORD",
        "SECURITYTOKEN",
    ]
)
MENTION_KINDS = frozenset({"PRONOUN", "REFERENCE", "MENTION"})


def load_folder(folder: Path) -> tuple[list[dict[str, Any]], int]:
    """The samples that kiji would train on, and how many files it would pass over."""
    read = [convert(json.loads(path.read_text(encoding="utf-8"))) for path in sorted(folder.glob("*.json"))]
    kept = [sample for sample in read if sample is not None]
    return kept, len(read) - len(kept)


def convert(task: dict[str, Any]) -> dict[str, Any] | None:
    text = task.get("data", {}).get("text", "")
    readings = task.get("annotations") or task.get("predictions") or []
    result = readings[0].get("result", []) if readings else []
    if not text or not result:
        return None
    regions = {item["id"]: item["value"] for item in result if "value" in item}
    pointing: dict[str, list[str]] = {}
    for item in result:
        if "value" not in item and "from_id" in item:
            pointing.setdefault(item["to_id"], []).append(item["from_id"])
    swallowed = {name for names in pointing.values() for name in names} - set(pointing)
    mask = [
        {"value": value["text"], "label": value["labels"][0], "start": value["start"], "end": value["end"]}
        for name, value in regions.items()
        if name not in swallowed and value["labels"][0] not in MENTION_KINDS
    ]
    if any(entry["label"] not in STANDARD for entry in mask):
        return None
    clusters = [[regions[head]["text"], *(regions[name]["text"] for name in names)] for head, names in pointing.items()]
    return {"text": text, "privacy_mask": mask, "coreferences": clusters}
