"""A dataset that grows over versions: samples are added, removed, brought back, corrected, varied and merged."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from goldspan.annotation.corpus.ledger import SplitLedger
from goldspan.annotation.corpus.outline import Outline
from goldspan.annotation.corpus.splits import DEFAULT_RATIOS, split_samples
from tests.annotation.corpora import WORDS


@dataclass(slots=True)
class History:
    """One value a version: samples, samples that crossed from test to train, largest deviation from the ratios."""

    sizes: list[int] = field(default_factory=list)
    crossings: list[int] = field(default_factory=list)
    deviations: list[float] = field(default_factory=list)


class GrowingCorpus:
    """Outlines by document; a document keeps its number when its text is corrected, which changes its sample id."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)
        self._counter = 0
        self.documents: dict[int, Outline] = {}
        self._removed: dict[int, Outline] = {}

    def add(self, count: int) -> None:
        """Unrelated samples."""
        for _ in range(count):
            self._put(" ".join(self._random.choices(WORDS, k=60)))

    def change(self) -> None:
        """One version's worth of changes."""
        total = len(self.documents)
        self.add(total // 10)
        for number in self._choose(total // 30):
            self._removed[number] = self.documents.pop(number)
        for number in self._random.sample(sorted(self._removed), min(len(self._removed), total // 200)):
            self.documents[number] = self._removed.pop(number)
        for number in self._choose(total // 50):
            outline = self.documents[number]
            label = self._random.choice(["CITY", "SURNAME", "EMAIL"])
            first, _, rest = outline.text.partition(" ")
            self.documents[number] = replace(outline, skeleton=f"<{label}> {rest}", values=((label, first),))
        for number in self._choose(total // 100):
            self._put(f"{self.documents.pop(number).text} corrected", number)
        for number in self._choose(total // 50):
            self._put(f"{self.documents[number].text} varied {self._random.random()}")
        numbers = self._choose(total // 400 * 2)
        for one, other in zip(numbers[::2], numbers[1::2], strict=True):
            self._put(f"{self.documents[one].text} {self.documents[other].text}", links=(f"a:{one}", f"a:{other}"))
            for number in (one, other):
                outline = self.documents[number]
                self.documents[number] = replace(outline, links=(*outline.links, f"a:{number}"))

    def _choose(self, count: int) -> list[int]:
        return self._random.sample(sorted(self.documents), count)

    def _put(self, text: str, number: int | None = None, links: tuple[str, ...] = ()) -> None:
        self._counter += 1
        sample_id = f"{self._random.getrandbits(64):016x}"
        self.documents[self._counter if number is None else number] = Outline(sample_id, text, text, links=links)


def grow(versions: int = 20, start: int = 1000, seed: int = 0, ratios: Mapping[str, float] = DEFAULT_RATIOS) -> History:
    """Split every version with the ledger of the ones before it, in a new order each time."""
    corpus, ledger, history = GrowingCorpus(seed), SplitLedger(), History()
    corpus.add(start)
    once_in_test: set[int] = set()
    for version in range(versions):
        if version:
            corpus.change()
        rows = random.Random(version).sample(list(corpus.documents.items()), len(corpus.documents))
        outlines = [outline for _, outline in rows]
        split = split_samples(outlines, ratios, seed=seed, ledger=ledger)
        ledger = ledger.record(outlines, split.assignment, f"v{version + 1}")
        in_train = {number for (number, _), name in zip(rows, split.assignment, strict=True) if name == "train"}
        once_in_test |= {number for (number, _), name in zip(rows, split.assignment, strict=True) if name == "test"}
        shares = Counter(split.assignment)
        history.sizes.append(len(rows))
        history.crossings.append(len(once_in_test & in_train))
        history.deviations.append(max(abs(shares[name] / len(rows) - ratio) for name, ratio in ratios.items()))
    return history
