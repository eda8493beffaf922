from __future__ import annotations

import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import orjson
import pytest

from goldspan.annotation.errors import ConfigurationError, StateError, UnknownNameError
from goldspan.annotation.labels.schema import LabelSchema
from goldspan.predictors.base import TextInput
from goldspan.predictors.model import directory as layout
from goldspan.predictors.registry import list_options, open_predictor
from goldspan.training.bundle.manifest import dump, hash_bytes, seal_manifest
from tests.training.tiny_model import make_labels, make_sample

SAMPLES = [make_sample(number) for number in range(2000, 2030)]


def test_a_batch_gives_what_single_texts_give(trained: Path) -> None:
    predictor = open_predictor(trained, make_labels(), verify="off")
    texts = [TextInput(sample.text) for sample in SAMPLES]
    together = predictor.predict_batch(texts)  # type: ignore[attr-defined]
    assert [a.entities for a in together] == [predictor.predict_sync(text.text).entities for text in texts]
    assert together[0].author.name == predictor.model_version


def test_a_long_text_is_read_to_its_end(trained: Path) -> None:
    predictor = open_predictor(trained, make_labels(), verify="off")
    texts = [sample.text for sample in SAMPLES * 4]
    whole = "\n".join(texts)
    found = predictor.predict_sync(whole).entities
    assert max(entity.end for entity in found) > 0.95 * len(whole)
    alone = sum(len(predictor.predict_sync(text).entities) for text in texts)
    assert len(found) == pytest.approx(alone, rel=0.1)
    assert all(one.end <= other.start for one, other in pairwise(found))


@pytest.mark.parametrize("text", ["", " \n\t", "😀", "\u0301", "a" * 5000])
def test_odd_texts_do_no_harm(trained: Path, text: str) -> None:
    annotation = open_predictor(trained, make_labels(), verify="off").predict_sync(text)
    assert all(0 <= e.start < e.end <= len(text) for e in annotation.entities)


def test_a_name_joins_with_a_directory(trained: Path, labels: LabelSchema) -> None:
    text = f"{SAMPLES[1].text} Mail: ann.smith@example.org."
    predictor = open_predictor(f"regex+{trained}", labels, verify="off")
    found = {entity.label for entity in predictor.predict_sync(text, "en", "GB").entities}
    assert {"EMAIL", "CITY"} <= found


def test_checked_patterns_win_where_they_overlap(trained: Path, labels: LabelSchema) -> None:
    text = f"{SAMPLES[1].text} Card 4111 1111 1111 1111 was used."
    plain = open_predictor(trained, labels, verify="off").predict_sync(text)
    joined = open_predictor(trained, labels, verify="off", patterns=True).predict_sync(text)
    assert "CREDITCARDNUMBER" not in {e.label for e in plain.entities}
    (card,) = (e for e in joined.entities if e.label == "CREDITCARDNUMBER")
    assert text[card.start : card.end] == "4111 1111 1111 1111"


def test_labels_that_the_schema_lacks_are_left_out(trained: Path) -> None:
    labels = make_labels()
    fewer = LabelSchema(tuple(label for label in labels.labels if label.code != "CITY"))
    predictor = open_predictor(trained, fewer, verify="off")
    assert predictor.labels == {"FIRSTNAME", "PHONENUMBER"}
    assert {e.label for s in SAMPLES for e in predictor.predict_sync(s.text).entities} <= predictor.labels


def test_options(trained: Path) -> None:
    labels = make_labels()
    assert {"verify", "key", "recall", "bias", "threshold", "patterns", "threads"} <= set(list_options(str(trained)))
    with pytest.raises(ConfigurationError, match="no option recal"):
        open_predictor(trained, labels, recal=0.9)
    with pytest.raises(ConfigurationError, match="off, warn or require"):
        open_predictor(trained, labels, verify="maybe")
    with pytest.raises(ConfigurationError, match="operating point"):
        open_predictor(trained, labels, verify="off", recall=0.123)
    with pytest.raises(UnknownNameError, match="model directory"):
        open_predictor("no/such/model", labels)
    more = open_predictor(trained, labels, verify="off", bias="20")
    less = open_predictor(trained, labels, verify="off", bias=-20.0)
    counts = [sum(len(p.predict_sync(s.text).entities) for s in SAMPLES) for p in (more, less)]
    assert counts[0] > counts[1]


def test_a_graph_that_gives_noise_is_refused_by_its_probes(model: Path) -> None:
    served = model / "quantized"
    probes = orjson.loads((served / layout.PROBES).read_bytes())
    for probe in probes:
        probe["tags"] = [(tag + 1) % 7 for tag in probe["tags"]]
    (served / layout.PROBES).write_bytes(dump(probes))
    manifest = orjson.loads((served / layout.MANIFEST).read_bytes())
    manifest["files"][layout.PROBES] = hash_bytes((served / layout.PROBES).read_bytes())
    (served / layout.MANIFEST).write_bytes(dump(seal_manifest(manifest)))
    with pytest.raises(StateError, match="VNNI"):
        open_predictor(model, make_labels(), verify="off")


def test_it_runs_without_torch(trained: Path, tmp_path: Path) -> None:
    labels_file = trained.parent / "labels.toml"
    code = f"""
import sys
from itertools import pairwise
class Block:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in ("torch", "transformers", "onnx", "metaflow"):
            raise ModuleNotFoundError(f"blocked: {{name}}", name=name)
sys.meta_path.insert(0, Block())
from pathlib import Path
from goldspan.annotation.labels.schema import load_labels
from goldspan.predictors.registry import open_predictor
predictor = open_predictor({str(trained)!r}, load_labels(Path({str(labels_file)!r})), verify="warn")
print(len(predictor.predict_sync({SAMPLES[1].text!r}).entities))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=tmp_path, timeout=120)
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) >= 1
