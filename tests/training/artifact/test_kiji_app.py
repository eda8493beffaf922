"""What kiji's app does with a model directory, written anew from its description: load, cut, run, Viterbi, group."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from goldspan.predictors.registry import open_predictor
from tests.training.tiny_model import make_labels, make_sample

WINDOW, OVERLAP = 512, 64


class KijiApp:
    """Needs tokenizer.json, label_mappings.json and a graph; `model.onnx` would win over `model_quantized.onnx`."""

    def __init__(self, folder: Path) -> None:
        ort = pytest.importorskip("onnxruntime")
        from tokenizers import Tokenizer

        graph = next(folder / n for n in ("model.onnx", "model_quantized.onnx") if (folder / n).is_file())
        document = json.loads((folder / "tokenizer.json").read_text())
        assert document["truncation"] is None
        assert document["padding"] is None
        self.tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        mappings = json.loads((folder / "label_mappings.json").read_text())["pii"]
        self.names = {int(k): v for k, v in mappings["id2label"].items()}
        self.crf: dict[str, Any] = json.loads((folder / "crf_transitions.json").read_text())
        self.session = ort.InferenceSession(str(graph))
        assert {i.name: i.type for i in self.session.get_inputs()} == {
            "input_ids": "tensor(int64)", "attention_mask": "tensor(int64)",
        }  # fmt: skip

    def read(self, text: str, threshold: float = 0.25) -> set[tuple[int, int, str]]:
        encoding = self.tokenizer.encode(text)
        spans: set[tuple[int, int, str]] = set()
        step = WINDOW - OVERLAP
        for start in range(0, max(1, len(encoding.ids) - OVERLAP), step):
            ids = encoding.ids[start : start + WINDOW]
            spans |= self._read_window(text, ids, encoding.offsets[start : start + WINDOW], threshold)
        return spans

    def _read_window(self, text: str, ids: list[int], offsets: list[Any], threshold: float) -> set[Any]:
        padded = np.zeros((1, WINDOW), dtype=np.int64)
        mask = np.zeros_like(padded)
        padded[0, : len(ids)], mask[0, : len(ids)] = ids, 1
        [logits] = self.session.run(["pii_logits"], {"input_ids": padded, "attention_mask": mask})
        assert logits.shape == (1, WINDOW, len(self.names))
        logits = logits[0, : len(ids)]
        path = self._viterbi(logits)
        probabilities = np.exp(logits - logits.max(-1, keepdims=True))
        probabilities /= probabilities.sum(-1, keepdims=True)
        runs: list[list[Any]] = []
        for place, (tag, (start, end)) in enumerate(zip(path, offsets, strict=True)):
            name = self.names[tag]
            if name == "O" or start == end or probabilities[place, tag] < threshold:
                continue
            if runs and runs[-1][2] == name[2:] and (name[0] == "I" or runs[-1][1] == start):
                runs[-1][1] = end
            else:
                runs.append([start, end, name[2:]])
        return {(s, s + len(text[s:e].rstrip(",.;:!?")), label) for s, e, label in runs}

    def _viterbi(self, logits: np.ndarray) -> list[int]:
        steps = np.asarray(self.crf["transitions"])
        best, back = logits[0] + np.asarray(self.crf["start_transitions"]), []
        for row in logits[1:]:
            through = best[:, None] + steps
            back.append(through.argmax(0))
            best = through.max(0) + row
        path = [int((best + np.asarray(self.crf["end_transitions"])).argmax())]
        for pointers in reversed(back):
            path.append(int(pointers[path[-1]]))
        return path[::-1]


def test_the_app_loads_the_directory_and_finds_what_we_find(trained: Path) -> None:
    app = KijiApp(trained / "quantized")
    predictor = open_predictor(trained, make_labels(), verify="off")
    samples = [make_sample(number) for number in range(3000, 3040)]
    same = sum(
        app.read(sample.text, threshold=0.0) == {tuple(e.span) for e in predictor.predict_sync(sample.text).entities}
        for sample in samples
    )
    assert same / len(samples) >= 0.9


def test_the_app_reads_a_text_of_several_windows(trained: Path) -> None:
    app = KijiApp(trained / "quantized")
    text = " ".join(make_sample(number).text for number in range(80))
    found = app.read(text)
    assert max(end for _, end, _ in found) > 0.9 * len(text)
    gold = set()
    cursor = 0
    for number in range(80):
        sample = make_sample(number)
        assert sample.best
        gold |= {(e.start + cursor, e.end + cursor, e.label) for e in sample.best.entities}
        cursor += len(sample.text) + 1
    assert len(found & gold) / len(gold) > 0.5
