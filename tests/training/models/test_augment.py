from __future__ import annotations

import random

import pytest

from goldspan.annotation.types import Annotation, Sample
from goldspan.training.config import AugmentationSettings
from goldspan.training.models.augment import augment_sample, replace_values, take_sentence
from tests.training.tiny_model import make_labels, make_sample

LABELS = make_labels()
SAMPLES = [make_sample(number) for number in range(30)]


def read_surfaces(sample: Sample) -> list[tuple[str, str]]:
    best = sample.best
    assert best
    return [(e.label, sample.text[e.start : e.end]) for e in best.entities]


def read_mentions(sample: Sample) -> list[tuple[str, str]]:
    assert isinstance(sample.best, Annotation)
    return [(m.cluster, sample.text[m.start : m.end]) for m in sample.best.mentions]


def change(sample: Sample, epoch: int = 1, **shares: float) -> Sample:
    return augment_sample(sample, AugmentationSettings(**shares), LABELS, seed=1, epoch=epoch, number=2)


@pytest.mark.parametrize("kind", ["casing", "accents", "ocr"])
def test_noise_keeps_length_and_spans(kind: str) -> None:
    for sample in SAMPLES:
        changed = change(sample, **{kind: 1.0})
        assert len(changed.text) == len(sample.text)
        assert changed.best == sample.best
    assert any(change(sample, **{kind: 1.0}).text != sample.text for sample in SAMPLES)


def test_letters_that_grow_in_another_case_stay() -> None:
    sample = Sample("Weißstraße İzmir ǆ ŉ", "de", annotations=SAMPLES[4].annotations)
    for epoch in range(1, 9):
        assert len(change(sample, epoch, casing=1.0).text) == len(sample.text)


def test_surrogates_have_the_same_labels_and_fit_their_spans() -> None:
    pytest.importorskip("faker")
    for sample in SAMPLES:
        changed = replace_values(sample, LABELS, random.Random(3))
        before, after = read_surfaces(sample), read_surfaces(changed)
        assert [label for label, _ in before] == [label for label, _ in after]
        assert not before or before != after
        names = {text for cluster, text in read_mentions(changed) if text[0].isupper()}
        assert names <= {text for _, text in after}
        pronouns = [text for _, text in read_mentions(sample) if text[0].islower()]
        assert [text for _, text in read_mentions(changed) if text[0].islower()] == pronouns


def test_a_sentence_keeps_what_is_in_it() -> None:
    for sample in SAMPLES:
        changed = take_sentence(sample, random.Random(1))
        assert changed.text in sample.text
        assert set(read_surfaces(changed)) <= set(read_surfaces(sample))
        assert all(surface in changed.text for _, surface in read_surfaces(changed))


def test_the_draw_follows_from_seed_epoch_and_number() -> None:
    assert change(SAMPLES[0]) is SAMPLES[0]
    assert change(SAMPLES[0], 1, casing=0.5, ocr=0.5) == change(SAMPLES[0], 1, casing=0.5, ocr=0.5)
    assert len({change(SAMPLES[0], epoch, casing=1.0).text for epoch in range(1, 30)}) > 1
