"""The card of a bundle, `README.md`: `datasets.load_dataset(<folder>)` finds splits and types there."""

from __future__ import annotations

from collections.abc import Mapping

from goldspan.annotation.tasks.record import LAYERS, TEXT_FIELDS

CARD = "README.md"

_CARD = """\
---
configs:
- config_name: default
  data_files:
{files}
dataset_info:
  features:
  - name: id
    dtype: int64
  - name: data
    struct:
{data}
{layers}
---

# Training bundle

Made by Goldspan: {sizes}. `manifest.json` says what is in it and how it was split.

```python
from datasets import load_dataset

splits = load_dataset("path/of/this/folder")
```

A line of the JSONL files is a Label Studio task whose lists are JSON text; loaded by folder, they are lists. Loaded by
file, `load_dataset("json", data_files=[...])`, they are text.
"""


def render_bundle_card(sizes: Mapping[str, int]) -> str:
    """The card of a bundle with these numbers of samples by split; `datasets` can read no empty split."""
    splits = [split for split, size in sizes.items() if size]
    fields = [(field, "string") for field in TEXT_FIELDS] + [("provenance", "json"), ("fields", "json")]
    return _CARD.format(
        sizes=", ".join(f"{split} {size}" for split, size in sizes.items()),
        files="\n".join(f"  - split: {split}\n    path: {split}.jsonl" for split in splits),
        data="\n".join(f"    - name: {field}\n      dtype: {dtype}" for field, dtype in fields),
        layers="\n".join(f"  - name: {layer}\n    dtype: json" for layer in LAYERS),
    )
