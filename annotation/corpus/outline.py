"""Outlines of samples: the fields that deduplication, splits and diversity use, small enough for 100,000 in memory."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from goldspan.annotation.corpus.carriers import Carrier, find_carriers
from goldspan.annotation.corpus.identifiers import find_identifiers
from goldspan.annotation.identity import identify_sample, make_skeleton
from goldspan.annotation.labels.schema import LabelSchema, load_labels
from goldspan.annotation.types import Sample

LINK_KEYS = ("persona", "prompt_seed", "translation_of", "source_document", "phrase_family", "template_id")
"""Provenance fields: samples with the same value belong together, whatever their texts look like."""


@dataclass(frozen=True, slots=True)
class Outline:
    """One sample as seen by its best annotation.

    `values` are the labels and surfaces of its entities; `links` are names that it shares with samples of the same
    origin (persona, prompt seed, translations) and with texts made from it; `identifiers` are its full names and direct
    identifiers, normalised; `carriers` are its sentences with masked entities, as hashes, each with the labels of its
    entities; `reviewed` says that a person has submitted an annotation.
    """

    sample_id: str
    text: str
    skeleton: str
    language: str = ""
    document_type: str = ""
    values: tuple[tuple[str, str], ...] = ()
    links: tuple[str, ...] = ()
    reviewed: bool = False
    identifiers: tuple[str, ...] = ()
    carriers: tuple[Carrier, ...] = ()

    @property
    def labels(self) -> tuple[str, ...]:
        """Labels of the entities, one for each entity."""
        return tuple(label for label, _ in self.values)


def outline_sample(sample: Sample, labels: LabelSchema | None = None) -> Outline:
    """The outline of a sample; `labels` says which labels are identifiers, by default the schema in use."""
    best = sample.best
    entities = best.entities if best else ()
    sample_id = identify_sample(sample)
    links = [f"{key}:{sample.provenance[key]}" for key in LINK_KEYS if sample.provenance.get(key)]
    links.append(f"source_document:{sample_id}")
    if any(link.startswith("translation_of:") for link in links) or "translations" in sample.provenance:
        links.append(f"translation_of:{sample_id}")
    return Outline(
        sample_id,
        sample.text,
        make_skeleton(sample.text, entities),
        sample.language,
        sample.document_type,
        tuple((entity.label, sample.text[entity.start : entity.end]) for entity in entities),
        tuple(links),
        bool(sample.reviews),
        find_identifiers(sample.text, entities, labels or load_labels()),
        find_carriers(sample.text, entities),
    )


def outline_content(sample: Sample) -> Outline:
    """The outline of a sample with what deduplication compares: text, skeleton, and whether a person reviewed it."""
    best = sample.best
    sample_id = identify_sample(sample)
    skeleton = make_skeleton(sample.text, best.entities if best else ())
    return Outline(sample_id, sample.text, skeleton, reviewed=bool(sample.reviews))


def find_family(outline: Outline) -> str:
    """The link to the sample's phrase family; empty if it has none."""
    return next((link for link in outline.links if link.startswith("phrase_family:")), "")


def find_source(provenance: Mapping[str, Any]) -> str:
    """Where a sample comes from, in a word: the Hub repository, the run, or what its provenance calls its source."""
    return str(provenance.get("repository") or provenance.get("run") or provenance.get("source") or "unknown")


def find_terms(provenance: Mapping[str, Any]) -> str:
    """Licence and attribution of a sample that came with them; empty if it has none."""
    parts = (provenance.get("licence"), provenance.get("attribution"))
    return ", ".join(str(part) for part in parts if part)


def outline_samples(samples: Iterable[Sample], labels: LabelSchema | None = None) -> list[Outline]:
    """Outlines of all samples, in their order."""
    labels = labels or load_labels()
    return [outline_sample(sample, labels) for sample in samples]
