"""The data set card, computed from the data."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from goldspan.annotation.corpus.outline import find_terms
from goldspan.annotation.corpus.quality.measure import QualityReport
from goldspan.annotation.corpus.splits import SplitReport
from goldspan.annotation.hub.features import COLUMNS
from goldspan.annotation.labels.schema import LabelSchema
from goldspan.annotation.names import name_language
from goldspan.annotation.types import Sample
from goldspan.annotation.wording import format_count

_SIZES = ((1_000, "n<1K"), (10_000, "1K<n<10K"), (100_000, "10K<n<100K"), (1_000_000, "100K<n<1M"))


@dataclass(slots=True)
class CardFacts:
    """Counts for the card, collected sample by sample."""

    samples: int = 0
    reviewed: int = 0
    entities: Counter[str] = field(default_factory=Counter)
    holders: Counter[str] = field(default_factory=Counter)
    languages: Counter[str] = field(default_factory=Counter)
    countries: Counter[str] = field(default_factory=Counter)
    sources: Counter[str] = field(default_factory=Counter)
    terms: Counter[str] = field(default_factory=Counter)
    authors: Counter[str] = field(default_factory=Counter)
    prompts: Counter[str] = field(default_factory=Counter)
    clusters: int = 0
    mentions: int = 0
    negatives: int = 0

    def add(self, sample: Sample, source: str) -> None:
        """Count one sample by its best annotation."""
        best = sample.best
        labels = [entity.label for entity in best.entities] if best else []
        self.samples += 1
        self.reviewed += bool(sample.reviews)
        self.entities.update(labels)
        self.holders.update(set(labels))
        self.languages[sample.language] += 1
        self.countries[sample.country] += 1
        self.sources[source] += 1
        self.terms.update(filter(None, (find_terms(sample.provenance),)))
        self.authors.update({a.author.name for a in sample.predictions})
        self.prompts.update(set(_find_prompts(sample.provenance)))
        self.clusters += len(best.clusters) if best else 0
        self.mentions += len(best.mentions) if best else 0
        self.negatives += not labels


def render_card(
    name: str,
    facts: CardFacts,
    split: SplitReport,
    quality: QualityReport,
    labels: LabelSchema,
    *,
    licence: str,
    digest: str,
) -> str:
    """The card as Markdown with its YAML header; `name` is the repository's without its owner."""
    from huggingface_hub import DatasetCardData

    size = next((band for limit, band in _SIZES if facts.samples < limit), "n>1M")
    header = DatasetCardData(
        language=sorted(language for language in facts.languages if language),
        license=licence,
        pretty_name=name,
        size_categories=[size],
        task_categories=["token-classification"],
        tags=["pii", "ner", "coreference", "privacy", "goldspan"],
        configs=[
            {
                "config_name": "default",
                "data_files": [
                    {"split": part, "path": f"data/{part}-*.parquet"} for part, count in split.sizes.items() if count
                ],
            }
        ],
    )
    parts = [
        f"---\n{header.to_yaml()}\n---",
        f"# {name}",
        _describe(facts, labels, digest),
        "## Splits\n\n" + _describe_split(split),
        "## Columns\n\n" + "\n".join(f"- `{name}`: {meaning}" for name, meaning in COLUMNS),
        "## Labels\n\n" + _table_labels(facts, labels),
        "## Languages\n\n"
        + _table(("language", "samples"), ((name_language(k), v) for k, v in facts.languages.most_common())),
        "## How it was made\n\n" + _describe_origin(facts),
        "## Quality\n\nScores lie between 0 and 1, 1 is best; a flag says that a person should look.\n\n"
        + _table(
            ("check", "score", "flag", "what was found"),
            ((c.code, f"{c.score:.3f}", "flag" if c.flag else "", c.summary) for c in quality.checks),
        ),
        "## Limits\n\n" + "\n".join(f"- {limit}" for limit in _list_limits(facts, split, quality, labels)),
    ]
    return "\n\n".join(parts) + "\n"


def _find_prompts(provenance: Mapping[str, Any]) -> Iterable[str]:
    """Names of models and versions of prompts that a sample's provenance speaks of, at any depth."""
    for name, value in provenance.items():
        if name in {"model", "prompt_version", "prompt", "prompts", "generator"} and isinstance(value, str):
            yield f"{name} {value}"
        elif isinstance(value, Mapping):
            yield from _find_prompts(value)
        elif isinstance(value, list):
            for entry in value:
                yield from _find_prompts(entry) if isinstance(entry, Mapping) else ()


def _describe(facts: CardFacts, labels: LabelSchema, digest: str) -> str:
    return (
        f"{format_count(facts.samples, 'text')} with {format_count(facts.entities.total(), 'entity')} of personal "
        f"data and {facts.mentions:,} "
        f"mentions in {facts.clusters:,} coreference clusters. {facts.reviewed:,} were reviewed by people, "
        f"{facts.negatives:,} hold no entity. Fingerprint of the data: `{digest[:16]}`; label schema: "
        f"`{labels.fingerprint}`. This card was computed from the data by Goldspan."
    )


def _describe_split(split: SplitReport) -> str:
    rows = [(name, f"{size:,}") for name, size in split.sizes.items()]
    return (
        f"{_table(('split', 'samples'), rows)}\n\n"
        f"Near-duplicates and texts of one template stay in one split ({format_count(split.groups, 'group')}). "
        f"{split.grouped.group:.1%} of the held-out samples have a relative in train; "
        f"with a random split it would be {split.random.group:.1%}. "
        f"{split.grouped.value:.1%} of the held-out entity values occur in train. "
        f"{split.grouped.carrier:.1%} of the held-out sentences are in train but for their entities, and a lookup of "
        f"their sentence in train would label {split.grouped.lookup:.1%} of the held-out entities."
    )


def _describe_origin(facts: CardFacts) -> str:
    parts = [
        ("Sources", facts.sources),
        ("Licences and attributions", facts.terms),
        ("Models that pre-annotated", facts.authors),
        ("Models and prompts", facts.prompts),
    ]
    lines = [
        f"- {title}: " + ", ".join(f"{name} ({count:,})" for name, count in counts.most_common(20))
        for title, counts in parts
        if counts
    ]
    return "\n".join(lines)


def _table_labels(facts: CardFacts, labels: LabelSchema) -> str:
    rows = (
        (label.code, label.group, f"{facts.entities[label.code]:,}", f"{facts.holders[label.code]:,}")
        for label in labels.entities
    )
    return _table(("label", "group", "entities", "samples with it"), rows)


def _list_limits(facts: CardFacts, split: SplitReport, quality: QualityReport, labels: LabelSchema) -> list[str]:
    missing = [label.code for label in labels.entities if not facts.entities[label.code]]
    limits = []
    if facts.reviewed < facts.samples:
        limits.append(
            f"Labels that no person has reviewed: those of {format_count(facts.samples - facts.reviewed, 'sample')}."
        )
    if missing:
        limits.append(f"No example of: {', '.join(missing)}.")
    if quality.flagged:
        limits.append(f"Flagged checks: {', '.join(check.code for check in quality.flagged)}.")
    if split.largest_group > 0.1:
        limits.append(f"One group of related texts makes up {split.largest_group:.1%} of the data.")
    limits.append("The texts may be synthetic: a score on this test split says little about documents of real people.")
    return limits


def _table(head: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    lines = [f"| {' | '.join(head)} |", f"|{'---|' * len(head)}"]
    lines += [f"| {' | '.join(str(cell).replace('|', '/') for cell in row)} |" for row in rows]
    return "\n".join(lines)
