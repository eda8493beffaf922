from __future__ import annotations

from dataclasses import replace

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from goldspan.annotation.types import Annotation, Author, Entity, Sample
from goldspan.predictors.model.decode import DecodingOptions, decode_entities
from goldspan.predictors.model.encoding import encode_texts, load_tokenizer
from goldspan.training.models.encoders.tiny import make_tokenizer
from goldspan.training.models.labelling import IGNORED, choose_flat, label_sample, tag_tokens
from tests.training.tiny_model import make_labels, make_sample

LABELS = make_labels()
TABLE = {tag: number for number, tag in enumerate(LABELS.bio_table)}
SAMPLES = [make_sample(number) for number in range(40)]
TOKENIZER = load_tokenizer(make_tokenizer([sample.text for sample in SAMPLES[:5]]))


@given(st.sampled_from(SAMPLES))
def test_tags_of_gold_decode_to_gold(sample: Sample) -> None:
    best = sample.best
    assert best
    (encoded,) = encode_texts(TOKENIZER, [sample.text])
    example = label_sample(sample, encoded, TABLE)
    logits = np.full((len(encoded), len(TABLE)), -9, dtype=np.float32)
    logits[np.arange(len(encoded)), example.tags] = 9
    found = decode_entities(sample.text, encoded, logits, LABELS.bio_table, DecodingOptions())
    assert [e.span for e in found] == [e.span for e in best.entities]


def test_every_sub_word_has_a_tag() -> None:
    text = "Notedress called"
    (encoded,) = encode_texts(TOKENIZER, [text])
    tags = tag_tokens(encoded, [(0, 9, "CITY")], TABLE)
    pieces = int((encoded.starts < 9).sum())
    assert pieces > 1
    assert tags[:pieces].tolist() == [TABLE["B-CITY"], *[TABLE["I-CITY"]] * (pieces - 1)]
    assert not tags[pieces:].any()


def test_of_overlapping_entities_the_first_and_longest_is_taken() -> None:
    entities = (Entity(0, 9, "CITY"), Entity(0, 3, "FIRSTNAME"), Entity(5, 12, "CITY"), Entity(9, 12, "CITY"))
    assert [e.span[:2] for e in choose_flat(entities)] == [(0, 9), (9, 12)]


def test_where_people_differ_no_loss_is_computed() -> None:
    sample = SAMPLES[0]
    best = sample.best
    assert best
    other = Annotation(Author.person("2"), best.entities[1:])
    (encoded,) = encode_texts(TOKENIZER, [sample.text])
    doubtful = label_sample(replace(sample, annotations=(best, other)), encoded, TABLE)
    inside = (encoded.starts < best.entities[0].end) & (encoded.ends > best.entities[0].start)
    assert (doubtful.tags[inside] == IGNORED).all()
    assert not (doubtful.tags[~inside] == IGNORED).any()


def test_unsure_entities_of_a_model_are_in_doubt() -> None:
    text = "Maria came to Paris"
    entities = (Entity(0, 5, "FIRSTNAME", score=0.9), Entity(14, 19, "CITY", score=0.3))
    sample = Sample(text, "en", annotations=(Annotation(Author.model("m"), entities),))
    (encoded,) = encode_texts(TOKENIZER, [text])
    tags = label_sample(sample, encoded, TABLE, doubt_below=0.5).tags
    assert tags[0] == TABLE["B-FIRSTNAME"]
    assert tags[-1] == IGNORED
