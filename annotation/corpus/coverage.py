"""How many entities a corpus holds, by label, language and document type."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from goldspan.annotation.types import Sample


def count_coverage(samples: Iterable[Sample]) -> Counter[tuple[str, str, str]]:
    """Entities by (label, language, document type), of the best annotation of each sample; one text counts once."""
    counts: Counter[tuple[str, str, str]] = Counter()
    seen: set[str] = set()
    for sample in samples:
        if sample.sample_id in seen or not sample.best:
            continue
        seen.add(sample.sample_id)
        counts.update((entity.label, sample.language, sample.document_type) for entity in sample.best.entities)
    return counts
