from __future__ import annotations

from random import Random
from urllib.parse import urlsplit

from goldspan.annotation.labels.validators import check_value
from goldspan.generators.surrogates.online import draw_link


def test_links_lead_to_pages_about_something():
    links = [draw_link(Random(seed), ["été", "Straße", "word"]) for seed in range(200)]
    assert all(check_value("url", link) for link in links)
    assert all(urlsplit(link).hostname and (urlsplit(link).path.strip("/") or urlsplit(link).query) for link in links)
    assert all(link.isascii() and " " not in link for link in links)
    assert len(set(links)) > 150
