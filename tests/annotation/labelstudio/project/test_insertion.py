"""Labels come into a team's config; every other byte of it stays."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from goldspan.annotation.errors import ConfigurationError
from goldspan.annotation.labels.schema import load_labels
from goldspan.annotation.labelstudio.project.config import build_config, compare_config, is_own_config
from goldspan.annotation.labelstudio.project.insertion import insert_entries
from goldspan.annotation.labelstudio.project.tags import parse_tags

LABELS = load_labels()
TEAM = """<View>
  <Header value="My guideline: é > ü"/>
  <!-- do not touch -->
  <Labels name="label" toName="text">
    <Label value="CITY" background="#111111"/>
  </Labels>
  <Text name='text' value="$text"/>
  <Choices name="sent" toName="text"><Choice value="a > b"/></Choices>
</View>
"""


def read_labels(xml: str, name: str = "label") -> tuple[str, ...]:
    return next(control.labels for control in parse_tags(xml).controls if control.name == name)


def test_labels_relation_and_mentions_are_inserted_and_nothing_else_changes() -> None:
    changed = insert_entries(TEAM, ("label SURNAME", "relation refers-to", "mention PRONOUN"), LABELS)
    assert read_labels(changed) == ("CITY", "SURNAME")
    assert read_labels(changed, "mention") == ("PRONOUN",)
    assert parse_tags(changed).relations == ("refers-to",)
    left = iter(changed.splitlines())
    assert all(line in left for line in TEAM.splitlines())
    assert insert_entries(changed, (), LABELS) == changed


@pytest.mark.parametrize(
    "xml",
    [
        '<View><Labels name="label" toName="text"/><Text name="text" value="$text"/></View>',
        '<View><Labels name="label" toName="text"></Labels><Text name="text" value="$text"/></View>',
        '<View><Text name="text" value="$text"/><View><Labels toName="text" name="label" hint="a>b"/></View></View>',
        '<View><Labels name="label" toName="text"><View><Label value="CITY"/></View></Labels></View>',
        '<View><Labels name="label" toName="text"><Label value="CITY"></Label></Labels><Relations/></View>',
    ],
)
def test_every_way_to_write_an_element(xml: str) -> None:
    changed = insert_entries(xml, ("label SURNAME", "relation refers-to"), LABELS)
    assert read_labels(changed)[-1] == "SURNAME"
    assert parse_tags(changed).relations == ("refers-to",)
    for piece in ('name="label"', 'toName="text"'):
        assert changed.count(piece) == xml.count(piece)


@pytest.mark.parametrize(
    ("xml", "entry"),
    [
        ('<View><Labels name="ner" toName="text"/></View>', "label SURNAME"),
        (TEAM, "text text"),
        (TEAM.replace("label", "x"), "mention PRONOUN"),
        ("<View>", "label SURNAME"),
    ],
)
def test_a_config_without_a_place_is_refused(xml: str, entry: str) -> None:
    with pytest.raises(ConfigurationError):
        insert_entries(xml, (entry,), LABELS)


@given(
    st.lists(st.sampled_from(["<Header value='é🎉'/>", "<!-- c -->", "<View><Text name='a' value='$b'/></View>"])),
    st.sampled_from(["\n  ", "", "\r\n\t"]),
)
def test_the_config_without_the_insertion_is_the_config_before(parts: list[str], between: str) -> None:
    xml = between.join(["<View>", *parts, '<Labels name="label" toName="t"/>', *parts, "</View>"])
    changed = insert_entries(xml, ("relation refers-to",), LABELS)
    added = len(changed) - len(xml)
    assert any(changed[:place] + changed[place + added :] == xml for place in range(len(xml)))


def test_only_an_unchanged_config_of_ours_is_ours() -> None:
    own = build_config(LABELS)
    assert is_own_config(own)
    assert not is_own_config(TEAM)
    for before, after in (
        ("<Relations>", '<Choices name="c" toName="text"><Choice value="a"/></Choices><Relations>'),
        ('granularity="word"', 'granularity="symbol"'),
        ('showInline="true"', 'showInline="false"'),
        ("line-height: 1.9", "line-height: 3"),
        ("</View>", "Ask Ann.</View>"),
        ('<Markdown value="', '<Markdown value="Ask Ann first.&#10;'),
        ('<View className="goldspan-board">', '<View className="goldspan-board"><Header value="x" size="2"/>'),
    ):
        assert before in own
        assert not is_own_config(own.replace(before, after, 1)), after


def test_after_the_insertion_nothing_is_missing() -> None:
    before = compare_config(LABELS, TEAM).added
    assert before
    after = compare_config(
        LABELS, insert_entries(TEAM, tuple(e for e in before if not e.startswith("control")), LABELS)
    )
    assert after.added == ()
