from __future__ import annotations

from collections.abc import Iterator
from random import Random

import pytest

from goldspan.generators.offline import noise
from goldspan.generators.offline.marks import drop_marks


def test_the_last_four_names_do_not_repeat_and_the_oldest_is_free_again_first(monkeypatch: pytest.MonkeyPatch) -> None:
    """Which name is forgotten first does not depend on the order of a set, which differs between processes."""
    for number in range(12):
        people = [(("FIRSTNAME", f"Given{number}{place}"), ("SURNAME", f"Family{number}{place}")) for place in "abc"]
        given_of_b = (people[1][0],)
        drawn: Iterator[tuple[tuple[str, str], ...]] = iter(
            [*people[:2], (("CITY", "Leeds"),), people[0][:1], given_of_b]
        )
        monkeypatch.setattr(noise, "draw_mention", lambda *_, drawn=drawn: next(drawn))
        author = noise.Noise(Random(1), "en", "GB")
        texts = [drop_marks(author.draw(kind)) for kind in ("Person", "Person", "City", "First")]
        assert texts[3] == people[0][0][1]
