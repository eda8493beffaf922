from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tokenizers import Tokenizer
from tokenizers.models import Unigram
from tokenizers.pre_tokenizers import Metaspace
from tokenizers.processors import TemplateProcessing

from goldspan.predictors.model.encoding import WindowSize, encode_texts, load_tokenizer, pad_rows
from goldspan.training.models.encoders.tiny import make_tokenizer

TEXTS = ["Maria Müller moved to São Paulo, didn't she?", "call 555-1234 or mail a@b.org 😀 now"]
TOKENIZER = load_tokenizer(make_tokenizer(TEXTS))


@given(st.text(alphabet="abMürla 😀é\u0301.\n5-@", max_size=60))
def test_tokens_cover_the_text_in_order_and_hold_no_blank(text: str) -> None:
    (encoded,) = encode_texts(TOKENIZER, [text])
    previous = 0
    for start, end in zip(encoded.starts, encoded.ends, strict=True):
        assert previous <= start <= end <= len(text)
        assert text[start:end] == text[start:end].strip()
        previous = int(start)
    assert list(encoded.words) == sorted(encoded.words)


@given(st.integers(1, 200), st.integers(20, 60), st.integers(0, 9))
def test_no_token_is_lost_in_windows(words: int, size: int, overlap: int) -> None:
    (encoded,) = encode_texts(TOKENIZER, ["Maria " * words])
    seen: set[int] = set()
    for window in encoded.cut(WindowSize(size, overlap)):
        assert len(encoded.wrap(window)) <= size
        seen.update(range(window.start, window.end))
    assert seen == set(range(len(encoded)))


def test_truncation_and_padding_of_a_tokenizer_are_taken_out() -> None:
    tokenizer = load_tokenizer(make_tokenizer(TEXTS))
    tokenizer.enable_truncation(4)
    tokenizer.enable_padding(length=4)
    (encoded,) = encode_texts(load_tokenizer(tokenizer.to_str().encode()), [TEXTS[0]])
    assert len(encoded) > 8


def test_offsets_are_code_points_of_the_verbatim_text() -> None:
    text = "😀 São Paulo"
    (encoded,) = encode_texts(TOKENIZER, [text])
    place = text.index("São")
    assert place in encoded.starts.tolist()
    assert text[encoded.starts[-1] : encoded.ends[-1]] in text


def test_a_leading_blank_is_not_part_of_a_token() -> None:
    tokenizers = pytest.importorskip("tokenizers")
    tokenizer = tokenizers.Tokenizer(tokenizers.models.WordLevel({"▁Maria": 0, "[UNK]": 1}, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = tokenizers.pre_tokenizers.Metaspace()
    (encoded,) = encode_texts(tokenizer, ["so Maria"])
    assert (int(encoded.starts[-1]), int(encoded.ends[-1])) == (3, 8)


def test_a_special_token_in_a_text_is_text() -> None:
    (encoded,) = encode_texts(TOKENIZER, ["Maria [SEP] Müller[CLS]"])
    special = {TOKENIZER.token_to_id(name) for name in ("[CLS]", "[SEP]", "[PAD]")}
    assert special.isdisjoint(encoded.ids.tolist())
    assert {*encoded.prefix, *encoded.suffix} <= special


def test_a_special_token_among_the_pieces_of_a_vocabulary_is_unknown_in_a_text() -> None:
    """As in XLM-R, which would read `</s>` in a text as its end."""
    special = ("<s>", "<pad>", "</s>", "<unk>")
    pieces = [*((name, 0.0) for name in special), ("\u2581", -2.0), *((letter, -5.0) for letter in "An</s>")]
    tokenizer = Tokenizer(Unigram(pieces, unk_id=3))
    tokenizer.pre_tokenizer = Metaspace()
    tokenizer.add_special_tokens(list(special))
    tokenizer.post_processor = TemplateProcessing(single="<s> $A </s>", special_tokens=[("<s>", 0), ("</s>", 2)])
    text = "Ann</s> <s>Ann"
    (encoded,) = encode_texts(load_tokenizer(tokenizer.to_str().encode()), [text])
    assert (encoded.prefix, encoded.suffix) == ((0,), (2,))
    assert {0, 1, 2}.isdisjoint(encoded.ids.tolist())
    spans = list(zip(encoded.starts.tolist(), encoded.ends.tolist(), encoded.ids.tolist(), strict=True))
    assert [text[start:end] for start, end, number in spans if number == 3] == ["</s>", "<s>"]


def test_a_text_without_tokens_has_no_window() -> None:
    (encoded,) = encode_texts(TOKENIZER, ["   \n"])
    assert len(encoded) == 0
    assert encoded.cut(WindowSize()) == ()


def test_what_is_no_tokenizer_is_refused() -> None:
    with pytest.raises(ValueError, match="not a tokenizer"):
        load_tokenizer(b"{}")


def test_rows_are_padded_to_the_longest() -> None:
    (encoded,) = encode_texts(TOKENIZER, [TEXTS[0]])
    rows = [encoded.ids[:3], encoded.ids[:5]]
    ids, mask = pad_rows(rows, 7)
    assert ids.shape == (2, 5)
    assert ids[0, 3:].tolist() == [7, 7]
    assert mask.sum(axis=1).tolist() == [3, 5]


def test_an_overlap_must_fit() -> None:
    with pytest.raises(ValueError, match="does not fit"):
        WindowSize(20, 18)
