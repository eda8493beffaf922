"""Corpora with a known structure, for the tests of duplicates and splits."""

from __future__ import annotations

import random

from goldspan.annotation.corpus.outline import Outline

WORDS = [f"w{number}" for number in range(3000)]
LABELS = ["CITY", "SURNAME", "IBAN", "EMAIL"]


def make_templated(templates: int, samples: int, seed: int = 0) -> list[Outline]:
    """Samples from few templates: the values differ every time, the sentences never."""
    draw = random.Random(seed)
    made = []
    for _ in range(templates):
        words = [draw.choice(WORDS) for _ in range(40)]
        made.append((words, {place: draw.choice(LABELS) for place in draw.sample(range(40), 3)}))
    outlines = []
    for number in range(samples):
        words, slots = made[number % templates]
        values = {place: f"v{draw.randrange(10**9)}" for place in slots}
        outlines.append(
            Outline(
                f"s{number}",
                " ".join(values.get(place, word) for place, word in enumerate(words)),
                " ".join(f"<{slots[place]}>" if place in slots else word for place, word in enumerate(words)),
                draw.choice(["en", "de", "fr"]),
                values=tuple((slots[place], values[place]) for place in sorted(slots)),
            )
        )
    return outlines


def make_unrelated(samples: int, seed: int = 0) -> list[Outline]:
    """Samples that have nothing in common, with uneven labels and languages."""
    draw = random.Random(seed)
    outlines = []
    for number in range(samples):
        text = " ".join(draw.choice(WORDS) for _ in range(40))
        labels = draw.choices(LABELS, weights=[10, 10, 2, 0.5], k=3)
        language = draw.choices(["en", "de", "hi"], weights=[8, 3, 1])[0]
        outlines.append(
            Outline(f"u{number}", text, text, language, values=tuple((label, text[:9]) for label in labels))
        )
    return outlines
