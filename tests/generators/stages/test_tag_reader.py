from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from goldspan.generators.stages.tag_reader import read_leniently
from tests.generators.scripted import LABELS


@pytest.mark.parametrize(
    ("tagged", "spans"),
    [
        ("in <city>Lyon</city> now", [(3, 7, "CITY")]),
        ("in <CITY>Lyon<CITY> now", [(3, 7, "CITY")]),
        ("in [CITY]Lyon[/CITY] now", [(3, 7, "CITY")]),
        ("in [Lyon](CITY) now", [(3, 7, "CITY")]),
        ("in <CITY: Lyon> now", [(3, 7, "CITY")]),
        ("in &lt;CITY&gt;Lyon&lt;/CITY&gt; now", [(3, 7, "CITY")]),
        ('in <entity type="CITY">Lyon</entity> now', [(3, 7, "CITY")]),
        ("in < CITY >Lyon</ CITY > now", [(3, 7, "CITY")]),
        ("in <CITY></CITY>Lyon now", []),
        ("<FIRSTNAME>Ann <CITY>Lyon</FIRSTNAME></CITY>", [(0, 8, "FIRSTNAME"), (4, 8, "CITY")]),
    ],
)
def test_tags_in_many_manners(tagged, spans):
    reading = read_leniently(tagged, LABELS)
    assert "<" not in reading.text
    assert [entity.span for entity in reading.entities] == spans


@pytest.mark.parametrize("tagged", ["an <PERSON>Ann</PERSON>", "an <CITY>Ann", '<entity type="TOWN">x</entity>'])
def test_what_cannot_be_read_is_lost_with_its_place(tagged):
    reading = read_leniently(tagged, LABELS)
    assert reading.lost
    assert not reading.entities
    assert reading.repairs


@given(st.text(alphabet="<>/CITYab [](){}:&;lgt ", max_size=60))
def test_nothing_breaks_the_reader(tagged):
    reading = read_leniently(tagged, LABELS)
    assert all(0 <= entity.start < entity.end <= len(reading.text) for entity in reading.entities)
