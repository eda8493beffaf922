from hypothesis import given
from hypothesis import strategies as st

from goldspan.generators.offline.marks import drop_marks, mark_entity, split_marked
from goldspan.generators.offline.page import Page

PIECES = st.lists(st.tuples(st.sampled_from(("", "CITY", "SURNAME")), st.text("abc é.", min_size=1)), max_size=6)


def join(pieces: list[tuple[str, str]]) -> str:
    return "".join(mark_entity(label, piece) if label else piece for label, piece in pieces)


@given(PIECES)
def test_marked_text_splits_into_what_it_was_made_of(pieces: list[tuple[str, str]]) -> None:
    text = join(pieces)
    parts = list(split_marked(text))
    assert [part for part in parts if part[0]] == [piece for piece in pieces if piece[0]]
    assert "".join(piece for _, piece in parts) == drop_marks(text) == "".join(piece for _, piece in pieces)


def test_a_page_makes_spans_of_marks_with_its_labels_and_text_of_others() -> None:
    page = Page("\r\n", {"CITY"})
    page.write(f"From {mark_entity('CITY', 'Ulm')}\nto {mark_entity('SURNAME', 'Berg')}.")
    assert page.text == "From Ulm\r\nto Berg."
    assert [(page.text[e.start : e.end], e.label) for e in page.entities] == [("Ulm", "CITY")]


def test_a_capital_is_not_carried_past_an_entity() -> None:
    page = Page(labels={"CITY"})
    page.capitalises_next = True
    page.write(f"{mark_entity('CITY', 'ulm')} is near.")
    assert page.text == "ulm is near."


def test_a_person_who_is_only_named_is_one_mention_without_a_cluster() -> None:
    page = Page(labels={"FIRSTNAME", "SURNAME", "CITY"})
    person = f"{mark_entity('FIRSTNAME', 'Ann')} {mark_entity('SURNAME', 'Lee')}"
    page.write(f"{person}, {mark_entity('SURNAME', 'Roe')} {mark_entity('CITY', 'Ulm')} and {person}")
    assert [(page.text[m.start : m.end], m.label, m.cluster) for m in page.mentions] == [
        ("Ann Lee", "MENTION", ""),
        ("Roe", "MENTION", ""),
        ("Ann Lee", "MENTION", ""),
    ]
