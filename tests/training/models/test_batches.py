from __future__ import annotations

from dataclasses import replace

import pytest

from goldspan.annotation.types import Annotation, Author
from goldspan.predictors.model.encoding import WindowSize, load_tokenizer
from goldspan.training.models.batches import build_batch, count_tokens, cut_examples, order_batches
from goldspan.training.models.corpus import make_examples
from goldspan.training.models.encoders.tiny import make_tokenizer
from goldspan.training.models.labelling import IGNORED
from tests.training.tiny_model import make_labels, make_sample

SAMPLES = [make_sample(number) for number in range(60)]
TOKENIZER = load_tokenizer(make_tokenizer([sample.text for sample in SAMPLES]))
EXAMPLES = make_examples(SAMPLES, TOKENIZER, make_labels())


def test_every_window_comes_once_an_epoch() -> None:
    windows = cut_examples(EXAMPLES, WindowSize(16, 4))
    assert len(windows) > len(EXAMPLES)
    batches = order_batches(windows, 8, seed=1, epoch=0)
    assert sorted(number for batch in batches for number in batch) == list(range(len(windows)))
    assert order_batches(windows, 8, seed=1, epoch=0) == batches
    assert order_batches(windows, 8, seed=1, epoch=1) != batches
    assert order_batches(windows, 8, seed=2, epoch=0) != batches


def test_buckets_waste_less() -> None:
    windows = cut_examples(EXAMPLES, WindowSize(16, 4))

    def waste(bucketed: bool) -> int:
        batches = order_batches(windows, 8, seed=1, epoch=0, bucketed=bucketed)
        return sum(build_batch(EXAMPLES, windows, batch).mask.size for batch in batches) - count_tokens(windows)

    assert waste(True) < waste(False) / 2


def test_padding_has_no_loss_and_special_tokens_are_outside() -> None:
    windows = cut_examples(EXAMPLES, WindowSize(64, 16))
    batch = build_batch(EXAMPLES, windows, range(8))
    assert (batch.tags[:, 0] == 0).all()
    assert (batch.tags[batch.mask == 0] == IGNORED).all()
    for row, number in enumerate(batch.rows):
        example = EXAMPLES[windows[number].example]
        assert batch.tags[row, 1 : 1 + len(example.tags)].tolist() == example.tags.tolist()
        assert batch.ids[row, 1 : 1 + len(example.tags)].tolist() == example.encoded.ids.tolist()


def test_mentions_move_with_their_window() -> None:
    windows = cut_examples(EXAMPLES, WindowSize(64, 16))
    batch = build_batch(EXAMPLES, windows, range(8))
    assert batch.mentions
    for group in batch.mentions:
        example = EXAMPLES[windows[batch.rows[group.row]].example]
        for mention in group.ranges:
            ids = batch.ids[group.row, mention.first : mention.last]
            assert TOKENIZER.decode(ids.tolist()) == mention.place.text
            assert mention.place.text in example.text


@pytest.mark.parametrize("bare", [0.0, 1.0])
def test_bare_windows_have_no_special_tokens(bare: float) -> None:
    windows = cut_examples(EXAMPLES, WindowSize(64, 16), bare=bare)
    batch = build_batch(EXAMPLES, windows, [0])
    assert (batch.ids[0, 0] == TOKENIZER.token_to_id("[CLS]")) == (bare == 0)
    assert batch.tokens == windows[0].tokens


def test_examples_have_the_numbers_of_their_samples() -> None:
    blank = replace(SAMPLES[0], text="\n ", annotations=(Annotation(Author.person("1")),))
    examples = make_examples([blank, SAMPLES[1]], TOKENIZER, make_labels())
    assert [one.text for one in examples] == [blank.text, SAMPLES[1].text]
    assert {window.example for window in cut_examples(examples, WindowSize())} == {1}
