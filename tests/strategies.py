"""Hypothesis strategies for texts with sound annotations, over scripts, emoji and line breaks."""

from __future__ import annotations

from hypothesis import strategies as st

from goldspan.annotation.labels.schema import load_labels
from goldspan.annotation.types import Annotation, Author, Entity, Mention, Sample, sort_spans

LABELS = load_labels()
WORDS = [
    "Maria", "Ann", "Anna", "42", "Jean-Luc", "müller", "Мария", "محمد", "שלום", "田中太郎", "สมชาย", "김철수는",
    "👩‍💻", "🇫🇷🇩🇪", "e\u0301te\u0301", "AT&T", "a<b", "<CITY>", "</m>", "&lt;", "&amp;", "x_y", "o'Brien", "1995", "ß",
]  # fmt: skip
SEPARATORS = [" ", "  ", "\n", "\r\n", ", ", " \u200f", "\t", ". ", "\u2028"]


@st.composite
def pieces(draw: st.DrawFn) -> list[tuple[str, str]]:
    """Words and the separators after them."""
    characters = st.characters(codec="utf-8", exclude_characters="\x00")
    words = st.one_of(st.sampled_from(WORDS), st.text(characters, min_size=1, max_size=6))
    return draw(st.lists(st.tuples(words, st.sampled_from(SEPARATORS)), min_size=1, max_size=14))


@st.composite
def samples(draw: st.DrawFn) -> Sample:
    """A sample with one prediction: words are entities, nested mentions group them into clusters."""
    words = draw(pieces())
    text, spans = "", []
    for word, separator in words:
        spans.append((len(text), len(text) + len(word)))
        text += word + separator
    codes = sorted(LABELS.entity_codes)
    entities, mentions = [], []
    for start, end in spans:
        role = draw(st.integers(0, 4))
        if role in (1, 3):
            entities.append(Entity(start, end, draw(st.sampled_from(codes))))
        if role in (2, 3):
            kind = draw(st.sampled_from(sorted(LABELS.mention_codes)))
            mentions.append(Mention(start, end, kind, draw(st.sampled_from(["", "1", "2", "b"]))))
    annotation = Annotation(Author.model("test-1"), sort_spans(entities), sort_spans(mentions), score=0.5)
    return Sample(text, draw(st.sampled_from(["en", "de", "ar"])), "DE", "letter", (annotation,), {"seed": 1})
