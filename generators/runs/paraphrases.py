"""Samples of a file that a run paraphrases: the same facts in other words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache
from pathlib import Path

from goldspan.annotation.errors import InputError
from goldspan.annotation.identity import identify_sample
from goldspan.annotation.labels.schema import LabelSchema
from goldspan.annotation.tasks.store import read_samples
from goldspan.annotation.types import Sample
from goldspan.generators.runs.settings import RunSettings
from goldspan.generators.specs.families import join_family
from goldspan.generators.specs.paraphrase import can_paraphrase, derive_spec
from goldspan.generators.specs.spec import Spec


def draw_paraphrase(
    settings: RunSettings, labels: LabelSchema, item: int, document_types: Sequence[str]
) -> tuple[Spec, str]:
    """The spec of an item from the sample of the file that it paraphrases, and the id of that sample.

    Raises:
        InputError: no sample of the file is annotated and in one of the run's languages.
    """
    samples = load_samples(settings.paraphrase_file, settings.languages, labels)
    sample = samples[(settings.seed + item) % len(samples)]
    spec = derive_spec(sample, labels, settings.seed, item, document_types)
    return join_family(spec, settings.phrase_families), sample.sample_id


@lru_cache(maxsize=2)
def load_samples(path: str, languages: tuple[str, ...], labels: LabelSchema) -> tuple[Sample, ...]:
    """The samples of a file that a run can paraphrase.

    Raises:
        InputError: there is none in one of these languages.
    """
    found = tuple(
        replace(sample, sample_id=identify_sample(sample))
        for sample in read_samples([Path(path)], labels)
        if can_paraphrase(sample) and sample.language in languages
    )
    if not found:
        raise InputError(
            f"No sample of {path} is annotated and in one of the languages {', '.join(languages)}; name its languages "
            "with --languages."
        )
    return found
