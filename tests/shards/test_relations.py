"""Duplicates and splits over shards are those of one machine."""

from __future__ import annotations

from pathlib import Path
from random import Random

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from goldspan.annotation.corpus.dedupe import ALL_REASONS, TEXT_REASONS, find_duplicates, group_related
from goldspan.annotation.corpus.outline import Outline
from goldspan.annotation.corpus.splits import split_samples
from goldspan.shards.relations.groups import find_stored_duplicates, group_stored, split_stored
from goldspan.shards.relations.outlines import LAYERS, read_outlines, write_outlines
from goldspan.shards.relations.table import OutlineTable

_WORDS = [f"word{number}" for number in range(60)]


def make_outlines(seed: int, count: int) -> list[Outline]:
    """Texts that repeat, nearly repeat, quote each other and share names."""
    rng = Random(seed)
    texts: list[str] = []
    outlines = []
    for number in range(count):
        words = rng.choices(_WORDS, k=rng.randrange(0, 40))
        kind = rng.random()
        if texts and kind < 0.5:
            words = rng.choice(texts).split()
            if kind < 0.35 and words:
                words[rng.randrange(len(words))] = "changed"
            if kind < 0.15:
                words += rng.choices(_WORDS, k=12)
        text = " ".join(words)
        texts.append(text)
        identifiers = (f"name-{rng.randrange(12)}",) if rng.random() < 0.3 else ()
        links = (f"persona:{rng.randrange(30)}",) if rng.random() < 0.2 else ()
        links += (f"phrase_family:{rng.randrange(3)}",) if rng.random() < 0.5 else ()
        skeleton = text.replace("word1", "<CITY>")
        outlines.append(
            Outline(
                f"id-{rng.randrange(10**9)}-{number}",
                text,
                skeleton,
                links=links,
                identifiers=identifiers,
                reviewed=rng.random() < 0.2,
            )
        )
    return outlines


def store(outlines: list[Outline], borders: list[int], folder: Path) -> OutlineTable:
    """The outlines in several files."""
    stored = []
    for number, (begin, end) in enumerate(zip([0, *borders], [*borders, len(outlines)], strict=True)):
        path = folder / f"{number}.outlines"
        write_outlines(path, outlines[begin:end], LAYERS, related=True)
        stored.append(read_outlines(path))
    return OutlineTable(stored)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seed=st.integers(0, 10**6), count=st.integers(1, 60), cuts=st.lists(st.integers(0, 60), max_size=4))
def test_shards_give_the_groups_of_one_machine(seed: int, count: int, cuts: list[int], tmp_path: Path) -> None:
    outlines = make_outlines(seed, count)
    table = store(outlines, sorted(min(cut, count) for cut in cuts), tmp_path)
    for reasons in (TEXT_REASONS, ALL_REASONS):
        assert find_stored_duplicates(table, reasons) == find_duplicates(outlines, reasons=reasons)
    assert group_stored(table).tolist() == group_related(outlines).tolist()
    assert group_stored(table, 1.0).tolist() == group_related(outlines, 1.0).tolist()
    assert split_stored(table).assignment == split_samples(outlines).assignment
