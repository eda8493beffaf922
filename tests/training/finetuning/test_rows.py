"""Training rows say exactly what the evaluation predictor asks and reads."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from goldspan.annotation.errors import ConfigurationError, InputError
from goldspan.annotation.labels.schema import LabelSchema
from goldspan.annotation.types import Annotation, Author, Entity, Sample
from goldspan.predictors.prompting.prompt import OVERLAP, WINDOW, build_messages, read_answer
from goldspan.predictors.windows import merge_readings, split_text
from goldspan.training.finetuning.rows import RowLimits, TokenCounter, build_rows, check_rows
from tests.training.tiny_model import make_labels, make_sample

LABELS = make_labels()
COUNTER = TokenCounter()


def annotate(text: str, *entities: tuple[int, int, str], sample_id: str = "s") -> Sample:
    annotation = Annotation(Author.person("p"), tuple(Entity(*entity) for entity in entities))
    return Sample(text, "en", annotations=(annotation,), sample_id=sample_id)


def rows_of(*samples: Sample, labels: LabelSchema = LABELS):
    return list(build_rows(samples, labels))


def test_a_row_is_the_prompt_of_the_predictor_and_the_answer_that_it_reads_back() -> None:
    sample = make_sample(3)
    (row,) = rows_of(sample)
    assert list(row.messages[:-1]) == build_messages(sample.text, LABELS)
    assert row.messages[-1]["role"] == "assistant"
    assert read_answer(row.answer, sample.text, LABELS).entities == sample.best.entities
    assert json.loads(row.encode()) == {"messages": list(row.messages)}


@settings(max_examples=25)
@given(st.data())
def test_long_texts_are_windowed_as_the_predictor_reads_them(data: st.DataObject) -> None:
    words = data.draw(
        st.lists(st.sampled_from(["Maria", "Łódź", "x", "a<b", "&lt;", "\n\n", "🜚"]), min_size=1, max_size=40)
    )
    text = " ".join(words) + " " + "filler words here " * data.draw(st.integers(0, 800))
    starts = [index for index in range(len(text)) if text.startswith("Maria", index)]
    sample = annotate(text, *((start, start + 5, "FIRSTNAME") for start in starts))
    rows = rows_of(sample)
    windows = [window for window in split_text(text, WINDOW, OVERLAP) if text[window.start : window.end].strip()]
    assert [(row.start, row.end) for row in rows] == [(window.start, window.end) for window in windows]
    readings = []
    for row, window in zip(rows, windows, strict=True):
        found = read_answer(row.answer, text[window.start : window.end], LABELS)
        assert not found.problem
        readings.append(
            (window, [replace(e, start=e.start + window.start, end=e.end + window.start) for e in found.entities])
        )
    assert merge_readings(readings) == sample.best.entities


def test_an_entity_that_a_window_cuts_is_tagged_on_both_sides_without_white_space() -> None:
    name = "Maria " * 300
    text = "a " * 2700 + name.strip() + " b" * 2700
    sample = annotate(text, (5400, 5400 + len(name.strip()), "FIRSTNAME"))
    rows = rows_of(sample)
    assert len(rows) > 1
    for row in rows:
        inside = read_answer(row.answer, text[row.start : row.end], LABELS).entities
        assert all(
            text[row.start + e.start : row.start + e.end].strip() == text[row.start + e.start : row.start + e.end]
            for e in inside
        )
    assert sum("<FIRSTNAME>" in row.answer for row in rows) == 2


def test_blank_windows_are_no_rows_and_texts_without_entities_are() -> None:
    assert rows_of(annotate("  \n ")) == []
    (row,) = rows_of(annotate("nothing here"))
    assert json.loads(row.answer) == {"tagged_text": "nothing here"}


def test_repeated_and_leaking_rows_are_left_out_and_counted() -> None:
    twice = annotate("Maria is here", (0, 5, "FIRSTNAME"), sample_id="a")
    same_skeleton = annotate("Priya is here", (0, 5, "FIRSTNAME"), sample_id="b")
    fresh = annotate("Priya was there", (0, 5, "FIRSTNAME"), sample_id="c")
    checked = check_rows(
        rows_of(twice, replace(twice, sample_id="d")), rows_of(same_skeleton, fresh), RowLimits(), COUNTER
    )
    assert [row.sample_id for row in checked.train] == ["a"]
    assert [row.sample_id for row in checked.validation] == ["c"]
    assert checked.notes == (
        "1 rows say the same as another and are left out.",
        "1 validation rows repeat what is trained on and are left out.",
    )


def test_what_a_provider_would_refuse_is_refused_first_and_named() -> None:
    one = annotate("Maria is here", (0, 5, "FIRSTNAME"), sample_id="a")
    other = annotate("Maria is here", sample_id="b")
    with pytest.raises(InputError, match="in two ways: sample a, characters 0 to 13, and sample b"):
        check_rows(rows_of(one, other), [], RowLimits(), COUNTER)
    with pytest.raises(InputError, match="1 training rows; the provider wants at least 10"):
        check_rows(rows_of(one), [], RowLimits(min_rows=10), COUNTER)
    with pytest.raises(InputError, match=r"row of sample a.* about .* tokens; the provider takes 50"):
        check_rows(rows_of(one), [], RowLimits(max_row_tokens=50), COUNTER)
    with pytest.raises(InputError, match=r"would have .* bytes; the provider takes 100"):
        check_rows(rows_of(one), [], RowLimits(max_bytes=100), COUNTER)
    crossing = annotate("Maria Smith", (0, 7, "FIRSTNAME"), (3, 11, "CITY"), sample_id="x")
    with pytest.raises(InputError, match="Sample x, characters 0 to 11"):
        rows_of(crossing)
    with pytest.raises(ConfigurationError, match="not a tokenizer"):
        TokenCounter(Path(__file__))


def test_validation_rows_beyond_the_provider_s_share_are_left_out() -> None:
    train = rows_of(*(make_sample(number) for number in range(12)))
    held = rows_of(*(annotate(f"Nobody came on day {number}") for number in range(6)))
    size = sum(len(row.encode()) for row in train)
    checked = check_rows(train, held, RowLimits(validation_share=0.3), COUNTER)
    assert 0 < len(checked.validation) < 6
    assert sum(len(row.encode()) for row in checked.validation) <= 0.3 * size
    assert checked.notes[-1].endswith("validation rows are more than the provider takes and are left out.")


def test_a_tokenizer_counts_exactly(tmp_path: Path) -> None:
    tokenizers = pytest.importorskip("tokenizers")
    whole = tokenizers.Tokenizer(tokenizers.models.WordLevel({"[UNK]": 0}, unk_token="[UNK]"))
    whole.pre_tokenizer = tokenizers.pre_tokenizers.WhitespaceSplit()
    whole.save(str(tmp_path / "tokenizer.json"))
    assert TokenCounter(tmp_path / "tokenizer.json").count_text("a bb  ccc") == (3, 3)


def test_tokens_are_between_what_is_expected_and_what_is_possible() -> None:
    rows = rows_of(*(make_sample(number) for number in range(5)))
    count = COUNTER.count_rows(rows)
    size = sum(len(message["content"].encode()) for row in rows for message in row.messages)
    assert size / 4 < count.expected < count.most < size
