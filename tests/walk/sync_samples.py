"""Samples of many scripts and shapes for the tests that sync with Label Studio."""

from __future__ import annotations

import random
from collections.abc import Iterator

from goldspan.annotation.types import Annotation, Author, Entity, Mention, Sample, sort_spans

MODEL = "walk/v1"
GIVEN = ("Maria", "José", "Zoë", "Анна", "मीरा", "ليلى", "נועה", "Ελένη", "Nguyễn", "Ann‑Kathrin")
FAMILY = ("Santos", "Núñez", "Østergård", "Иванова", "शर्मा", "حداد", "כהן", "Παπαδοπούλου", "Müller", "O’Neil")
CITIES = ("Lyon", "Zürich", "Kraków", "Москва", "दिल्ली", "القاهرة", "חיפה", "Αθήνα", "Straße", "Köln")
FILLERS = (
    "moved to",
    "🎉👩‍💻 writes from",
    "(tel.: unknown)\r\nlives in",
    "\tis back in",
    "\n\n  has left",
    "🇩🇪🏳️‍🌈 visits",
    "e\u0301 loves",
    "&lt;b&gt; <i>sees</i>",
    'said: "come to',
    "\u2028waits in",
)
ENDINGS = (".", " 👍🏽.", "\r\n", " — and stays.", "\u200f.", " 田中太郎。", " ", "\n")
PRONOUNS = ("She", "He", "They", "Sie", "Elle")


def make_sample(index: int, *, long: bool = False) -> Sample:
    """A sample of its own for each index, with entities, a cluster of two mentions and a prediction."""
    rng = random.Random(index)
    text = " " * rng.choice((0, 0, 0, 2)) + f"No. {index}: "
    entities: list[Entity] = []
    mentions: list[Mention] = []
    for number in range(rng.randint(1, 4)):
        name_start = len(text)
        for label, words in (("FIRSTNAME", GIVEN), ("SURNAME", FAMILY)):
            word = rng.choice(words)
            entities.append(Entity(len(text), len(text) + len(word), label, f"e{len(entities)}"))
            text += word + " "
        mentions.append(Mention(name_start, len(text) - 1, "MENTION", str(number + 1), f"m{len(mentions)}"))
        text += rng.choice(FILLERS) + " "
        city = rng.choice(CITIES)
        entities.append(Entity(len(text), len(text) + len(city), "CITY", f"e{len(entities)}"))
        text += city + rng.choice(ENDINGS) + " "
        pronoun = rng.choice(PRONOUNS)
        mentions.append(Mention(len(text), len(text) + len(pronoun), "PRONOUN", str(number + 1), f"m{len(mentions)}"))
        text += pronoun + " waits. "
        if long:
            text += "Nothing happens here. " * rng.randint(100, 400)
    score = round(rng.random(), 3)
    prediction = Annotation(Author.model(MODEL), sort_spans(entities), sort_spans(mentions), score=score)
    return Sample(text, rng.choice(("en", "de", "fr")), "FR", "note", (prediction,), {"run": "walk", "number": index})


def make_samples(count: int, first: int = 0) -> Iterator[Sample]:
    """Samples `first`, `first + 1` …; every fiftieth is long."""
    return (make_sample(index, long=index % 50 == 49) for index in range(first, first + count))
