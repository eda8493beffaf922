"""Exports go through the loaders of the libraries that they are made for."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from goldspan.annotation.formats.registry import FORMATS, export_samples
from goldspan.annotation.types import Annotation, Author, Entity, Sample
from tests.strategies import LABELS

TEXTS = ("👩‍💻 Zoë Lee met Bo in New York.", "nothing here", "李明住在北京。")
SPANS = (
    (("Zoë", "FIRSTNAME"), ("Lee", "SURNAME"), ("New York", "CITY")),
    (),
    (("李明", "FIRSTNAME"), ("北京", "CITY")),
)


def export(folder: Path, name: str) -> Path:
    samples = []
    for text, spans in zip(TEXTS, SPANS, strict=True):
        entities = tuple(Entity(text.index(word), text.index(word) + len(word), label) for word, label in spans)
        samples.append(Sample(text, "en", annotations=(Annotation(Author.model("m"), entities),)))
    path = folder / f"out{FORMATS[name].suffix}"
    export_samples(name, path, samples, LABELS)
    return path


def test_spacy_trains_on_the_docbin(tmp_path: Path) -> None:
    spacy = pytest.importorskip("spacy")
    from spacy.training import Corpus

    examples = list(Corpus(export(tmp_path, "spacy"))(spacy.blank("xx")))
    found = [{(entity.text, entity.label_) for entity in example.reference.ents} for example in examples]
    assert found == [set(spans) for spans in SPANS]
    assert [example.reference.text for example in examples] == list(TEXTS)


def test_gliner_gets_tokens_and_inclusive_spans(tmp_path: Path) -> None:
    rows = [json.loads(line) for line in export(tmp_path, "gliner").read_text().splitlines()]
    for row, text, spans in zip(rows, TEXTS, SPANS, strict=True):
        words = row["tokenized_text"]
        assert "".join(words) == "".join(text.split())
        assert all(0 <= first <= last < len(words) for first, last, _ in row["ner"])
        found = [("".join(words[first : last + 1]), label) for first, last, label in row["ner"]]
        assert found == [(word.replace(" ", ""), label) for word, label in spans]


def test_transformers_collates_the_tokens(tmp_path: Path) -> None:
    transformers = pytest.importorskip("transformers")
    tokenizers = pytest.importorskip("tokenizers")
    rows = [json.loads(line) for line in export(tmp_path, "hf-tokens").read_text().splitlines()]
    vocabulary = {
        word: number for number, word in enumerate(["[PAD]", "[UNK]", *{w for r in rows for w in r["tokens"]}])
    }
    model = tokenizers.models.WordLevel(vocabulary, unk_token="[UNK]")
    tokenizer = transformers.PreTrainedTokenizerFast(
        tokenizer_object=tokenizers.Tokenizer(model), pad_token="[PAD]", unk_token="[UNK]"
    )
    tags = {tag: number for number, tag in enumerate(sorted({tag for row in rows for tag in row["ner_tags"]}))}
    features: list[dict[str, Any]] = []
    for row in rows:
        encoded = tokenizer(row["tokens"], is_split_into_words=True)
        labels = [tags[row["ner_tags"][word]] for word in encoded.word_ids()]
        features.append({"input_ids": encoded["input_ids"], "labels": labels})
    collate = transformers.DataCollatorForTokenClassification(tokenizer, return_tensors="np")
    batch = collate(features)
    assert batch["labels"].shape == batch["input_ids"].shape
    assert [int((row >= 0).sum()) for row in batch["labels"]] == [len(row["tokens"]) for row in rows]
