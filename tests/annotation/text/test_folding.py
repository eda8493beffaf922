from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from goldspan.annotation.text.folding import fold_text, fold_value


@given(st.text(max_size=80), st.booleans(), st.booleans())
def test_every_folded_character_knows_its_source(text: str, case: bool, joined: bool) -> None:
    folded = fold_text(text, case=case, joined=joined)
    assert len(folded.text) == len(folded.starts) == len(folded.ends)
    assert list(folded.starts) == sorted(folded.starts)
    assert all(0 <= start < end <= len(text) for start, end in zip(folded.starts, folded.ends, strict=True))


@given(st.text(alphabet="ab Z-é’\u00a0\u00ad\nﬁ", max_size=40), st.data())
def test_a_located_span_folds_to_what_was_found(text: str, data: st.DataObject) -> None:
    folded = fold_text(text)
    start = data.draw(st.integers(0, len(folded.text)))
    end = data.draw(st.integers(start, len(folded.text)))
    place = folded.locate(start, end)
    if place:
        assert fold_value(text[slice(*place)]).strip() == folded.text[start:end].strip()


def test_a_source_character_is_never_cut() -> None:
    folded = fold_text("ﬁne")
    assert folded.text == "fine"
    assert folded.locate(1, 4) is None
    assert folded.locate(0, 4) == (0, 3)
