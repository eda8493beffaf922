from __future__ import annotations

import pytest

from goldspan.annotation.labels.schema import load_labels
from goldspan.annotation.types import Entity
from goldspan.generators.stages.omissions import find_omissions

LABELS = load_labels()


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Write to bob.miller@acme.example.com.", [("bob.miller@acme.example.com", "EMAIL")]),
        ("Mail zoë@bücher.de, or <a+b@c.org>", [("zoë@bücher.de", "EMAIL"), ("a+b@c.org", "EMAIL")]),
        ("IBAN DE89 3704 0044 0532 0130 00, thanks", [("DE89 3704 0044 0532 0130 00", "IBAN")]),
        ("IBAN DE89370400440532013000", [("DE89370400440532013000", "IBAN")]),
        ("IBAN DE88370400440532013000", []),
        ("Meet me @ five, ask @bob or a@b", []),
        ("Order DE12 ABCD 1234", []),
    ],
)
def test_addresses_and_accounts_without_a_tag_are_found(text: str, found: list[tuple[str, str]]) -> None:
    entities = find_omissions(text, [], LABELS)
    assert [(text[entity.start : entity.end], entity.label) for entity in entities] == found


def test_what_an_entity_touches_is_left_alone() -> None:
    text = "bob.miller@acme.com"
    assert find_omissions(text, [Entity(0, 3, "USERNAME")], LABELS) == []
