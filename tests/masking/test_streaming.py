from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from goldspan.annotation.errors import MaskingError, ServiceError
from goldspan.annotation.labels.schema import load_labels
from goldspan.annotation.loops import run_sync
from goldspan.annotation.types import Annotation, Entity
from goldspan.masking.mask import Masker
from goldspan.masking.policy import load_policy
from goldspan.masking.streaming import LIMIT, StreamMasker, StreamRestorer
from goldspan.predictors.base import TextInput
from tests.masking.lexicon import VALUES, LexiconPredictor
from tests.masking.test_mask import FailingPredictor

LABELS = load_labels()
WORDS = [*VALUES, "and", "went", "to", "12", "the", "house,", "again.", "\n"]


def make_masker(policy: str = "pseudonymise") -> Masker:
    return Masker(LexiconPredictor(), load_policy(policy), LABELS)


class CountingPredictor(LexiconPredictor):
    calls = 0

    def predict_batch(self, texts: Sequence[TextInput]) -> list[Annotation]:
        self.calls += len(texts)
        return super().predict_batch(texts)


async def stream(text: str, sizes: list[int], hold: int) -> list[str]:
    masker, pieces, position = StreamMasker(make_masker(), hold=hold), [], 0
    for size in sizes:
        pieces.append(await masker.feed(text[position : position + size]))
        position += size
    pieces.append(await masker.feed(text[position:]))
    pieces.append(await masker.finish())
    return pieces


@given(st.lists(st.sampled_from(WORDS), max_size=60), st.lists(st.integers(1, 40), max_size=20))
def test_a_stream_gives_what_the_whole_text_gives(words: list[str], sizes: list[int]) -> None:
    text = " ".join(words)
    streamed = "".join(run_sync(stream(text, sizes, 40)))
    for value in VALUES:
        if value not in ("Ann", "Anna", "Bob"):
            assert value not in streamed
    whole = run_sync(make_masker("redact").mask(text))
    assert streamed.count("[") == whole.text.count("[")


TEXT = (
    "Ann Smith (ann.smith@mail.com) met Bob Jones in Berlin on 3 March 1988. Zoë Müller called +1 415 555 0132, and "
    "SMITH wrote from Ber\u200blin: card 4111 1111 1111 1111.\n\nMüller left; Smi\u00adth, Jones stayed. 😀 e\u0301nd"
)


@pytest.mark.parametrize(("policy", "step"), [("redact", 3), ("pseudonymise", 1)])
def test_a_stream_that_is_cut_anywhere_gives_the_masked_text(policy: str, step: int) -> None:
    whole = run_sync(make_masker(policy).mask(TEXT)).text

    async def cut(place: int) -> str:
        masker = StreamMasker(make_masker(policy), hold=45)
        pieces = [await masker.feed(TEXT[:place]), await masker.feed(TEXT[place:]), await masker.finish()]
        return "".join(pieces)

    async def cut_everywhere() -> set[str]:
        letters = StreamMasker(make_masker(policy), hold=45)
        by_letter = [await letters.feed(letter) for letter in TEXT]
        places = range(0, len(TEXT) + 1, step)
        return {"".join([*by_letter, await letters.finish()]), *[await cut(place) for place in places]}

    assert run_sync(cut_everywhere()) == {whole}


class SeesOnce(LexiconPredictor):
    """Finds a name only where a title stands before it, as models need context."""

    def predict_batch(self, texts: Sequence[TextInput]) -> list[Annotation]:
        return [replace(found, entities=tuple(self._keep(text.text, found))) for text, found in self._pair(texts)]

    def _pair(self, texts: Sequence[TextInput]) -> list[tuple[TextInput, Annotation]]:
        return list(zip(texts, super().predict_batch(texts), strict=True))

    @staticmethod
    def _keep(text: str, found: Annotation) -> list[Entity]:
        return [entity for entity in found.entities if text[: entity.start].endswith("Mr ")]


async def test_a_value_that_was_masked_once_is_masked_wherever_it_stands_later() -> None:
    masker = StreamMasker(Masker(SeesOnce(), load_policy("pseudonymise"), LABELS), hold=40)
    text = "Mr Smith came. " + "It rained all day long. " * 60 + "Smith left, SMITH too."
    masked = "".join([await masker.feed(text[at : at + 7]) for at in range(0, len(text), 7)]) + await masker.finish()
    assert masked == text.replace("Smith", "[SURNAME_1]").replace("SMITH", "[SURNAME_1.2]")


@pytest.mark.parametrize("text", ["医生说明天会下雨。" * 90, "วันนี้อากาศดี" * 60])
async def test_a_text_without_spaces_comes_out_in_time(text: str) -> None:
    masker = StreamMasker(make_masker(), hold=40)
    given = 0
    for place, letter in enumerate(text, start=1):
        given += len(await masker.feed(letter))
        assert place - given <= 2 * 40
    assert given + len(await masker.finish()) == len(text)


async def test_a_long_word_is_not_read_again_for_each_piece() -> None:
    predictor = CountingPredictor()
    masker = StreamMasker(Masker(predictor, load_policy("redact"), LABELS), hold=40)
    for _ in range(5_000):
        assert await masker.feed("abcd") == ""
    assert predictor.calls < 40
    assert await masker.feed(" then Ann " + "came by. " * 400)


@given(st.lists(st.sampled_from([*WORDS, "[X_1]", "[", "xAnn", "Jones-Ann"]), max_size=40), st.integers(1, 30))
def test_a_restored_stream_is_the_restored_text(words: list[str], size: int) -> None:
    for policy in ("pseudonymise", "surrogates"):
        masked = run_sync(make_masker(policy).mask(" ".join(words)))
        stream = StreamRestorer(masked.mapping)
        pieces = [stream.feed(masked.text[at : at + size]) for at in range(0, len(masked.text), size)]
        assert "".join([*pieces, stream.finish()]) == " ".join(words)


async def test_text_comes_out_before_the_end_and_no_entity_is_cut() -> None:
    text = "Ann Smith said hello. " * 40
    pieces = await stream(text, [7] * 100, 60)
    assert sum(bool(piece) for piece in pieces) > 5
    assert "".join(pieces) == "[FIRSTNAME_1] [SURNAME_1] said hello. " * 40


async def test_after_an_error_nothing_comes_out() -> None:
    masker = StreamMasker(Masker(FailingPredictor(), load_policy("redact"), LABELS))
    with pytest.raises(ServiceError):
        await masker.feed("Ann " * 200)
    with pytest.raises(MaskingError):
        await masker.feed("more")
    with pytest.raises(MaskingError):
        await masker.finish()


async def test_a_text_without_a_safe_boundary_is_an_error() -> None:
    with pytest.raises(MaskingError, match="boundary"):
        await StreamMasker(make_masker()).feed("x" * (LIMIT + 1))
