from __future__ import annotations

import pytest

from goldspan.annotation.errors import ConfigurationError
from goldspan.annotation.labels.schema import build_labels
from goldspan.generators.runs.run import Limits, check_settings
from tests.generators.scripted import make_settings


def build(**fields: object):
    labels = {"GENE": {"name": "Gene", "chance": 0.9, **fields}, "CITY": {"name": "City", "chance": 0.5}}
    return build_labels({"version": 1, "labels": labels})


def check(labels, provider: str = "compatible") -> None:
    check_settings(make_settings(provider=provider, mode="live", languages=("en",)), labels, Limits())


@pytest.mark.parametrize("fields", [{}, {"hints": ["Gene symbols such as BRCA1"]}])
def test_a_paid_run_with_made_up_values_is_refused_and_names_the_label(fields):
    with pytest.raises(ConfigurationError, match=r"no source of values for GENE:"):
        check(build(**fields))
    check(build(**fields), provider="offline")


@pytest.mark.parametrize(
    "fields", [{"hints": ["Like MRN-123456"]}, {"hints": ["Say 31 kg"]}, {"chance": 0.0}, {"values": "model"}]
)
def test_labels_with_a_source_or_without_a_chance_are_fine(fields):
    check(build(**fields))


def test_the_offline_author_refuses_labels_whose_values_only_a_model_could_think_of():
    with pytest.raises(ConfigurationError, match=r"knows no value for GENE:"):
        check(build(values="model"), provider="offline")
    check(build(values="model", examples=["BRCA1"]), provider="offline")
    check(build(values="model", chance=0.0), provider="offline")
