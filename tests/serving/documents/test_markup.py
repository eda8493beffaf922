from __future__ import annotations

import html

import pytest
from hypothesis import given
from hypothesis import strategies as st

from goldspan.annotation.errors import MaskingError
from goldspan.annotation.labels.schema import load_labels
from goldspan.annotation.loops import run_sync
from goldspan.masking.mask import Masker
from goldspan.masking.policy import load_policy
from goldspan.serving.documents.base import FileSettings
from goldspan.serving.documents.markup import mask_html, verify_html
from tests.masking.lexicon import LexiconPredictor
from tests.serving.documents.conftest import FileMasker

HIDING_PLACES = [
    "<p>{}</p>",
    "<p>before {} after</p>",
    "<title>{}</title>",
    '<img alt="{}">',
    "<img alt='{}'>",
    '<a href="mailto:{}">x</a>',
    '<a href="https://x.org/?q={}&amp;r=1">x</a>',
    '<meta name="author" content="{}">',
    '<input value="{}" placeholder="x">',
    '<div data-name="{}">x</div>',
    "<!-- {} -->",
    "<!--[if IE]>{}<![endif]-->",
    '<script>var x = "{}";</script>',
    '<script type="application/ld+json">{{"name": "{}"}}</script>',
    '<style>p::after {{ content: "{}" }}</style>',
    "<textarea>{}</textarea>",
    "<noscript>{}</noscript>",
    "<custom-tag note='{}'>x</custom-tag>",
    "<svg><text>{}</text></svg>",
    "<p>unclosed {}",
    "x <{}> y",
    "<!DOCTYPE html [ {} ]>",
    "<![CDATA[{}]]>",
]


@pytest.mark.parametrize("place", HIDING_PLACES)
@pytest.mark.parametrize("value", ["ann.smith@mail.com", "Müller"])
def test_no_hiding_place(mask: FileMasker, place: str, value: str) -> None:
    written = mask("a.html", f"<html><body>{place.format(value)}</body></html>").decode()
    assert value not in html.unescape(written)
    assert "_1]" in written


@pytest.mark.parametrize(
    ("source", "masked"),
    [
        ("<p>A<b>n</b>n &amp; B&#111;b</p>", "<p>[FIRSTNAME_1]<b></b> &amp; [FIRSTNAME_2]</p>"),
        ("<b>Ann</b> <i>Smith</i>", "<b>[FIRSTNAME_1]</b> <i>[SURNAME_1]</i>"),
        ('<a href="x" title="T">Ann</a> Smith', '<a href="x" title="T">[FIRSTNAME_1]</a> [SURNAME_1]'),
        ("<p>An</p><p>n</p>", "<p>An</p><p>n</p>"),
        ("<td>Ann<td>Smith", "<td>[FIRSTNAME_1]<td>[SURNAME_1]"),
        ("M&uuml;ller&nbsp;&lt;3 &euro;", "[SURNAME_1]&nbsp;&lt;3 &euro;"),
        ("<P  CLASS = x >1 < 2 & 3</P >", "<P  CLASS = x >1 < 2 & 3</P >"),
        ('<a href="/s?n=Ann%20Smith">x</a>', '<a href="/s?n=[FIRSTNAME_1] [SURNAME_1]">x</a>'),
    ],
)
def test_what_is_not_masked_stays_as_it_is(mask: FileMasker, source: str, masked: str) -> None:
    assert mask("a.html", source).decode() == masked


@given(st.text(st.sampled_from("<>/=\"'&; abAnn!-[]#x1;"), max_size=80))
def test_a_source_without_values_comes_out_byte_for_byte(source: str) -> None:
    masker = Masker(LexiconPredictor(values={"qq": "CITY"}), load_policy("redact"), load_labels())
    assert run_sync(mask_html(source, masker, FileSettings()))[0] == source


@pytest.mark.parametrize("place", HIDING_PLACES)
def test_the_check_finds_a_leak_in_every_place(place: str) -> None:
    with pytest.raises(MaskingError):
        verify_html(place.format("Müller"), frozenset({"Müller"}), "a.html")
    with pytest.raises(MaskingError):
        verify_html(place.format("M&#252;ller"), frozenset({"Müller"}), "a.html")
