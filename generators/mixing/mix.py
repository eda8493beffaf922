"""Mix a training set from sources with shares; every sample says where it is from and under which terms."""

from __future__ import annotations

import hashlib
import heapq
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from math import floor
from pathlib import Path
from random import Random
from typing import Any

from goldspan.annotation.errors import InputError
from goldspan.annotation.identity import identify_sample, make_sample_id
from goldspan.annotation.labels.schema import LabelSchema
from goldspan.annotation.tasks.jsonl import OnError, raise_error
from goldspan.annotation.tasks.store import read_samples, write_samples
from goldspan.annotation.text.tagged import Tagged
from goldspan.annotation.types import Annotation, Author, Sample
from goldspan.annotation.wording import format_count
from goldspan.generators.mixing.plan import MixPlan, MixSource
from goldspan.generators.noise.apply import REGISTERS, add_noise, find_checked
from goldspan.generators.specs.documents import list_document_types
from goldspan.generators.specs.draw import draw_spec
from goldspan.generators.specs.paraphrase import can_paraphrase, derive_spec
from goldspan.generators.specs.spec import Spec
from goldspan.generators.surrogates.chance import make_random
from goldspan.generators.surrogates.world import COUNTRIES

_NUMBERS = 2**31


@dataclass(frozen=True, slots=True)
class MixReport:
    """What a mix took: samples by source, those that repeat a text of an earlier source, and terms by source."""

    samples: int
    taken: dict[str, int]
    available: dict[str, int]
    repeated: int
    terms: dict[str, str]


def mix_files(plan: MixPlan, output: Path, labels: LabelSchema, on_error: OnError = raise_error) -> MixReport:
    """Write the mix to `output` and report it.

    Which samples are taken is decided by a hash of the seed and their ids: the order of files plays no part, and a
    larger mix of the same sources holds the smaller one. A text that two sources have is taken from the first.

    Raises:
        InputError: a source has too few samples for its share, or none at all.
        RecordError: a record of a file cannot be read and `on_error` raises.
    """
    chosen, available = _choose_ids(plan, labels, on_error)
    repeated = 0
    taken = dict.fromkeys((source.name for source in plan.sources), 0)

    def iter_samples() -> Iterator[Sample]:
        nonlocal repeated
        seen: set[str] = set()
        for source in plan.sources:
            for sample in _read_source(source, chosen[source.name], plan.seed, labels):
                made = _mark(sample, source, plan.seed, labels)
                if made.sample_id in seen:
                    repeated += 1
                    continue
                seen.add(made.sample_id)
                taken[source.name] += 1
                yield made

    count = write_samples(output, iter_samples(), labels, on_error)
    terms = {source.name: "; ".join(filter(None, (source.licence, source.attribution))) for source in plan.sources}
    return MixReport(count, taken, available, repeated, {name: text for name, text in terms.items() if text})


def divide_samples(total: int, shares: Sequence[float]) -> list[int]:
    """Whole numbers in proportion to the shares that add up to `total` (largest remainders)."""
    exact = [total * share for share in shares]
    counts = [floor(part + 1e-9) for part in exact]
    order = sorted(range(len(shares)), key=lambda place: (counts[place] - exact[place], place))
    for place in order[: total - sum(counts)]:
        counts[place] += 1
    return counts


def _choose_ids(
    plan: MixPlan, labels: LabelSchema, on_error: OnError
) -> tuple[dict[str, frozenset[str] | int], dict[str, int]]:
    """For each source the ids to take, or how many to write; and how many samples each has."""
    ids = {
        source.name: list(
            dict.fromkeys(
                identify_sample(sample)
                for sample in _filter(read_samples(list(source.files), labels, on_error), source)
            )
        )
        for source in plan.sources
        if source.files
    }
    available = {name: len(found) for name, found in ids.items()}
    for source in plan.sources:
        if source.files and not available[source.name]:
            kind = "annotated sample" if source.paraphrase else "sample"
            where = f" in {', '.join(source.languages)}" if source.languages else ""
            raise InputError(f"The source {source.name} has no {kind}{where}; leave it out or name other files.")
    total = plan.samples or min(floor(available[s.name] / s.share + 1e-9) for s in plan.sources if s.files)
    counts = divide_samples(total, [source.share for source in plan.sources])
    chosen: dict[str, frozenset[str] | int] = {}
    for source, count in zip(plan.sources, counts, strict=True):
        if not source.files:
            chosen[source.name] = count
            continue
        if count > available[source.name]:
            raise InputError(
                f"The source {source.name} has {format_count(available[source.name], 'sample')}; its share of "
                f"{total} needs {count}. Lower `samples` or its share."
            )
        chosen[source.name] = frozenset(heapq.nsmallest(count, ids[source.name], key=lambda i: _rank(plan.seed, i)))
    if not any(counts):
        raise InputError("No source has a sample for the mix.")
    return chosen, available


def _rank(seed: int, sample_id: str) -> bytes:
    return hashlib.blake2b(f"{seed} {sample_id}".encode(), digest_size=8).digest()


def _filter(samples: Iterable[Sample], source: MixSource) -> Iterator[Sample]:
    languages = source.languages or (tuple(COUNTRIES) if source.paraphrase else ())
    return (
        sample
        for sample in samples
        if (not languages or sample.language in languages) and (not source.paraphrase or can_paraphrase(sample))
    )


def _read_source(source: MixSource, chosen: frozenset[str] | int, seed: int, labels: LabelSchema) -> Iterator[Sample]:
    if isinstance(chosen, int):
        yield from write_offline(chosen, seed, source.languages or tuple(COUNTRIES), labels)
        return
    given: set[str] = set()
    for sample in _filter(read_samples(list(source.files), labels, lambda error: None), source):
        sample_id = identify_sample(sample)
        if sample_id in chosen and sample_id not in given:
            given.add(sample_id)
            named = replace(sample, sample_id=sample_id)
            yield paraphrase(named, seed, labels) if source.paraphrase else named


def write_offline(count: int, seed: int, languages: Sequence[str], labels: LabelSchema) -> Iterator[Sample]:
    """Samples of the offline author, as a run with this seed would have them."""
    types = list_document_types(labels)
    for index in range(count):
        spec = draw_spec(seed, index, languages, labels, document_types=types)
        yield _compose_sample(spec, labels, {"source": "offline", "seed": seed, "index": index})


def paraphrase(sample: Sample, seed: int, labels: LabelSchema) -> Sample:
    """Another text of the offline author about the facts of the sample, in one group with it."""
    number = int.from_bytes(_rank(seed, sample.sample_id), "big") % _NUMBERS
    spec = derive_spec(sample, labels, seed, number, list_document_types(labels))
    terms = {key: sample.provenance[key] for key in ("licence", "attribution") if key in sample.provenance}
    origin = {"source": "offline", "paraphrase": "offline", "source_document": sample.sample_id}
    return _compose_sample(spec, labels, terms | origin)


def _compose_sample(spec: Spec, labels: LabelSchema, provenance: Mapping[str, Any]) -> Sample:
    from goldspan.generators.offline.author import compose_document

    document = compose_document(spec, labels)
    prediction = Annotation(Author.model("offline"), document.entities, document.mentions, score=1.0)
    return Sample(
        document.text,
        spec.language,
        spec.country,
        spec.document_type,
        (prediction,),
        provenance,
        make_sample_id(document.text, spec.language),
    )


def _mark(sample: Sample, source: MixSource, seed: int, labels: LabelSchema) -> Sample:
    """The sample with its source, terms and noise; noise makes it another sample, linked to the one it came from."""
    provenance = dict(sample.provenance) | {"mix": source.name}
    for key, value in (("licence", source.licence), ("attribution", source.attribution)):
        if value:
            provenance[key] = value
    if not source.noise or not sample.best:
        return replace(sample, provenance=provenance)
    rng = make_random(seed, 0, "mix", source.name, sample.sample_id)
    return add_sample_noise(replace(sample, provenance=provenance), rng, source.noise, labels)


def add_sample_noise(
    sample: Sample, rng: Random, register: str, labels: LabelSchema, inside: Iterable[str] = ()
) -> Sample:
    """The sample's best annotation with noise of a register; a sample of its own, in one group with the original."""
    best = sample.best
    if best is None:
        return sample
    tagged = Tagged(sample.text, best.entities, best.mentions)
    checked = find_checked(labels).difference(inside)
    noisy = add_noise(tagged, rng, REGISTERS[register], sample.language, inside, checked)
    source = sample.provenance.get("source_document") or sample.sample_id
    provenance = dict(sample.provenance) | {"noise": register, "source_document": source}
    annotation = replace(best, entities=noisy.entities, mentions=noisy.mentions)
    return replace(
        sample,
        text=noisy.text,
        annotations=(annotation,),
        provenance=provenance,
        sample_id=make_sample_id(noisy.text, sample.language),
    )
