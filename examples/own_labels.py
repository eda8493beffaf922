"""A label schema of your own: write it, load it, and annotate with it.

python examples/own_labels.py [FOLDER]
"""

from __future__ import annotations

import sys
from pathlib import Path

import goldspan

SCHEMA = """\
version = 1
default_target = 50

[labels.GENE]
name = "Gene"
category = "Biology"
kind = "none"
hints = ["Gene symbols as they are printed: BRCA1, TP53"]

[labels.DISEASE]
name = "Disease"
category = "Medicine"
kind = "none"
hints = ["The longest name: 'type 2 diabetes', not 'diabetes'"]
"""


def main(folder: Path) -> None:
    """Write the schema, annotate a sentence, check it, and store it."""
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / "labels.toml"
    file.write_text(SCHEMA, encoding="utf-8")
    labels = goldspan.load_labels(file)
    print(f"{len(labels.entities)} labels, fingerprint {labels.fingerprint}")

    tagged = "Variants of <GENE>BRCA1</GENE> raise the risk of <DISEASE>breast cancer</DISEASE>."
    parsed = goldspan.parse_tagged(tagged, labels)
    annotation = goldspan.Annotation(goldspan.Author.person("curator"), parsed.entities)
    for issue in goldspan.check_annotation(parsed.text, annotation, labels):
        print(f"{issue.severity}: {issue.message}")

    sample = goldspan.Sample(parsed.text, "en", annotations=(annotation,))
    print(goldspan.write_samples(folder / "samples.jsonl", [sample], labels), "sample written")
    try:
        goldspan.parse_tagged("<DRUG>aspirin</DRUG>", labels)
    except goldspan.GoldspanError as error:
        print(error)


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "biology"))
