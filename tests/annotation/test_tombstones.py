from __future__ import annotations

import stat
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from goldspan.annotation.errors import RecordError, StateError
from goldspan.annotation.tombstones import (
    NOTHING,
    Tombstones,
    add_tombstones,
    find_term,
    find_tombstones,
    fold_words,
    iter_views,
    read_number,
    read_tombstones,
)

KEYED = Tombstones(b"k" * 32)


def erase_terms(*terms: str) -> Tombstones:
    made = [KEYED.make("term", term) for term in terms]
    numbers = [KEYED.make("number", term) for term in terms if read_number(fold_words(term))]
    hashes = frozenset(one.hash for one in (*made, *numbers))
    shapes = tuple((one.words, one.length) for one in made)
    return Tombstones(KEYED.key, hashes, shapes, tuple(one.length for one in numbers))


@pytest.mark.parametrize(
    ("text", "term"),
    [
        ("Ann Lee wrote.", "ann lee"),
        ("MRS. ANN\n\tLEE", "Ann Lee"),
        ("José Müller", "jose muller"),
        ("Jose\u0301 Mu\u0308ller", "José Müller"),
        ("Schmidts Haus in Köln", "Schmidt"),
        ("write to ann.lee@mail.org now", "ann.lee@mail.org"),
        ("SSN 078-05-1120.", "078-05-1120"),
        ("SSN 078051120, issued 1990", "078-05-1120"),
        ("call +44 20 7946 0958 now", "+442079460958"),
        ("IBAN DE39988988191398780276", "DE39 9889 8819 1398 7802 76"),
        ("我叫王小明，住在北京", "王小明"),
        ("김민수는 서울에 산다", "김민수"),
        ("ﬁne Ａｎｎ Lee", "ann lee"),
        ("ANN STRAßE", "ann strasse"),
    ],
)
def test_a_term_is_found_however_it_is_written(text: str, term: str) -> None:
    assert find_term(fold_words(text), fold_words(term))
    assert erase_terms(term).has_text(text)


@pytest.mark.parametrize(
    ("text", "term"),
    [
        ("Annual meeting", "Ann"),
        ("Ann and Lee", "Ann Lee"),
        ("Lee, Ann", "Ann Lee"),
        ("Schmidtbauer", "Schmidt"),
        ("Joann Lee", "Ann Lee"),
        ("078-05-1121", "078-05-1120"),
        ("078 05 and 1120", "078-05-1120"),
        ("07 8", "07-8 9"),
        ("score 0.978051120", "078-05-1120"),
        ("2026-11-26T07:31:03", "11260731031"),
        ("", "Ann"),
    ],
)
def test_other_people_are_not_found(text: str, term: str) -> None:
    assert not find_term(fold_words(text), fold_words(term))
    assert not erase_terms(term).has_text(text)


@given(st.lists(st.sampled_from(["ann", "lee", "Leeson", "of", "Ωmega", "王", "x1"]), max_size=12), st.data())
def test_hashes_find_what_a_search_finds(words: list[str], data: st.DataObject) -> None:
    term = data.draw(
        st.lists(st.sampled_from(["ann", "lee", "leeson", "omega", "ωmega", "王"]), min_size=1, max_size=3)
    )
    text = " ".join(words)
    assert erase_terms(" ".join(term), "other person").has_text(text) == find_term(fold_words(text), term)


def test_tombstones_outlive_the_process_and_tell_nothing(tmp_path: Path) -> None:
    assert read_tombstones(tmp_path) is NOTHING
    add_tombstones(tmp_path, [("term", "Ann Lee"), ("id", "letter-7"), ("text", "A whole text, long ago.")])
    add_tombstones(tmp_path, [("id", "letter-7")])
    found = find_tombstones(tmp_path / "annotation_samples" / "x.jsonl")
    assert (found.has_id("letter-7"), found.has_id("letter-8"), found.has_text("a WHOLE text long ago")) == (1, 0, 1)
    with pytest.raises(RecordError, match="erased"):
        found.refuse("new", "Dear Ann Lee,")
    found.refuse("new", "Dear Bob,")
    files = sorted((tmp_path / "privacy").iterdir())
    assert [stat.S_IMODE(file.stat().st_mode) for file in files] == [0o600, 0o600]
    content = b"".join(file.read_bytes().lower() for file in files)
    assert not any(word in content for word in (b"ann", b"lee", b"letter", b"ago"))
    assert files[1].read_bytes().count(b"\n") == 3


@pytest.mark.parametrize("broken", [None, "", "zz", "ab" * 31])
def test_a_lost_key_is_an_error_and_not_a_gap(tmp_path: Path, broken: str | None) -> None:
    add_tombstones(tmp_path, [("id", "x")])
    key = tmp_path / "privacy" / "key"
    key.unlink() if broken is None else key.write_text(broken)
    (tmp_path / "privacy" / "tombstones.jsonl").touch()
    with pytest.raises(StateError, match="missing or broken"):
        read_tombstones(tmp_path)


@pytest.mark.parametrize(
    ("text", "seen"),
    [
        ("Jo<!-- x -->hn", {"Jo hn", "John"}),
        ("Jo<b>hn</b>", {"Jo hn ", "John"}),
        ("a <!-- <b>b</b>", {"a <!--  b ", "a <!-- b"}),
        ("<!--" * 100_000, {"<!--" * 100_000}),
    ],
)
def test_comments_are_no_part_of_what_a_reader_sees(text: str, seen: set[str]) -> None:
    assert set(iter_views(text)) == {text, *seen}
