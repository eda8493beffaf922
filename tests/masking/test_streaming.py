from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from goldspan.annotation.errors import MaskingError, ServiceError
from goldspan.annotation.labels.schema import load_labels
from goldspan.annotation.loops import run_sync
from goldspan.masking.mask import Masker
from goldspan.masking.policy import load_policy
from goldspan.masking.streaming import LIMIT, StreamMasker
from tests.masking.lexicon import VALUES, LexiconPredictor
from tests.masking.test_mask import FailingPredictor

LABELS = load_labels()
WORDS = [*VALUES, "and", "went", "to", "12", "the", "house,", "again.", "\n"]


def make_masker(policy: str = "pseudonymise") -> Masker:
    return Masker(LexiconPredictor(), load_policy(policy), LABELS)


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
