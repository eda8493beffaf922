"""Wrappers: what a reader of the format gives back is the text, and every span stays on its value."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Callable
from html.parser import HTMLParser
from random import Random

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from goldspan.annotation.checks import check_annotation, check_text, has_errors
from goldspan.annotation.text.tagged import Tagged
from goldspan.annotation.types import Annotation, Author, Entity, Mention
from goldspan.generators.mixing.mix import write_offline
from goldspan.generators.noise.apply import REGISTERS, add_noise, find_checked
from goldspan.generators.noise.wrappers import WRAPPERS
from tests.generators.scripted import LABELS


class _Text(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.pieces: list[str] = []

    def handle_data(self, data: str) -> None:
        self.pieces.append(data)


def read_html(wrapped: str) -> str:
    reader = _Text()
    reader.feed(wrapped)
    reader.close()
    return "".join(reader.pieces)


def read_csv(wrapped: str) -> str:
    mark = wrapped.removeprefix("row")[0]
    head, row = csv.reader(io.StringIO(wrapped, newline=""), delimiter=mark)
    assert (head[2], len(row)) == ("text", 4)
    return row[2]


def read_log(wrapped: str) -> str:
    return re.sub(r"^\[ *\d+\.\d{6}\] [A-Z]+ [a-z]+: ", "", wrapped, flags=re.MULTILINE)


def read_email(wrapped: str) -> str:
    return re.sub(r"^(?:> > |>> |> |\| )", "", wrapped.split("-----\n", 1)[1], flags=re.MULTILINE)


READ: dict[str, Callable[[str], str]] = {
    "json": lambda wrapped: json.loads(wrapped)["text"],
    "csv": read_csv,
    "html": read_html,
    "log": read_log,
    "email": read_email,
}
UNESCAPE: dict[str, Callable[[str], str]] = {
    "json": lambda surface: json.loads(f'"{surface}"'),
    "csv": lambda surface: surface.replace('""', '"'),
    "html": read_html,
}


@st.composite
def tagged_texts(draw: st.DrawFn) -> Tagged:
    text = draw(st.text(st.sampled_from("ab é&<>\"'\\/;,\n\t{}0😀"), min_size=1, max_size=80))
    cuts = sorted(draw(st.sets(st.integers(0, len(text)), max_size=8)))
    pairs = list(zip(cuts[::2], cuts[1::2], strict=False))
    entities = tuple(Entity(start, end, draw(st.sampled_from(("CITY", "IBAN")))) for start, end in pairs)
    outer = tuple(Mention(start, end, "MENTION", "1") for start, end in pairs if draw(st.booleans()))
    return Tagged(text, entities, outer)


def cut(tagged: Tagged) -> list[str]:
    return [tagged.text[span.start : span.end] for span in (*tagged.entities, *tagged.mentions)]


@given(tagged=tagged_texts(), seed=st.integers(0, 2**32), kind=st.sampled_from(sorted(WRAPPERS)))
def test_the_format_gives_back_the_text_and_the_spans_their_values(tagged: Tagged, seed: int, kind: str) -> None:
    assume(kind != "email" or ">" not in tagged.text)  # a quotation mark of its own cannot be told from that of a mail
    wrapped = WRAPPERS[kind](tagged, Random(seed), "de", ())
    read = READ[kind](wrapped.text)
    if kind == "csv":
        assert read == tagged.text
    else:
        assert "".join(tagged.text.split()) == "".join(read.split()).removesuffix(
            "open" if "<td" in wrapped.text else ""
        )
    if kind == "log":
        seconds = [float(found) for found in re.findall(r"^\[ *(\d+\.\d{6})\]", wrapped.text, re.MULTILINE)]
        assert seconds == sorted(seconds)
    unescape = UNESCAPE.get(kind, str)
    assert [unescape(surface).replace("\n ", "\n") for surface in cut(wrapped)] == [
        surface.replace("\n ", "\n") for surface in cut(tagged)
    ]
    assert WRAPPERS[kind](tagged, Random(seed), "de", ()) == wrapped


@given(tagged=tagged_texts(), seed=st.integers(0, 2**32), kind=st.sampled_from(sorted(WRAPPERS)))
def test_checked_values_keep_every_character(tagged: Tagged, seed: int, kind: str) -> None:
    wrapped = add_noise(tagged, Random(seed), REGISTERS[kind], "en", checked={"IBAN"})
    assert [e.label for e in wrapped.entities] == [e.label for e in tagged.entities]
    for before, after in zip(tagged.entities, wrapped.entities, strict=True):
        if before.label == "IBAN":
            assert wrapped.text[after.start : after.end] == tagged.text[before.start : before.end]


@pytest.mark.parametrize("kind", WRAPPERS)
def test_real_documents_stay_valid_in_every_wrapper(kind: str) -> None:
    checked = find_checked(LABELS)
    frames = set()
    for number, sample in enumerate(write_offline(40, 6, ("en", "de", "fr", "es", "nl", "da"), LABELS)):
        best = sample.annotations[0]
        tagged = Tagged(sample.text, best.entities, best.mentions)
        wrapped = add_noise(tagged, Random(number), REGISTERS[kind], sample.language, checked=checked)
        annotation = Annotation(Author.model("m"), wrapped.entities, wrapped.mentions)
        issues = check_text(wrapped.text)
        issues += check_annotation(wrapped.text, annotation, LABELS, sample.language, sample.country)
        assert not has_errors(issues)
        assert len(wrapped.text) > len(sample.text)
        frames.add(wrapped.text[:40])
    assert len(frames) > 3
