"""The manifest of a bundle: what is in it, how it was split, and a fingerprint of each part."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import orjson

import goldspan.schemas as schemas
from goldspan.annotation.corpus.leakage import Leakage
from goldspan.annotation.corpus.outline import find_source, find_terms
from goldspan.annotation.corpus.splits import SplitReport
from goldspan.annotation.errors import SchemaError
from goldspan.annotation.labels.schema import LabelSchema
from goldspan.annotation.types import Sample

SCHEMA = "training-bundle"
FORMAT = 3
MANIFEST = "manifest.json"
MAPPINGS = "label_mappings.json"
KIJI_LABELS = (
    "SURNAME",
    "FIRSTNAME",
    "BUILDINGNUM",
    "DATEOFBIRTH",
    "EMAIL",
    "PHONENUMBER",
    "CITY",
    "URL",
    "COMPANYNAME",
    "STATE",
    "ZIP",
    "STREET",
    "COUNTRY",
    "SSN",
    "DRIVERLICENSENUM",
    "PASSPORTID",
    "NATIONALID",
    "IDCARDNUM",
    "TAXNUM",
    "LICENSEPLATENUM",
    "PASSWORD",
    "IBAN",
    "AGE",
    "SECURITYTOKEN",
    "CREDITCARDNUMBER",
    "USERNAME",
)
"""kiji's labels in the order in which its trainer numbers them."""


@dataclass(frozen=True, slots=True)
class GateRecord:
    """The gate's verdict on this data: `open`, `closed` or `not_asked` (not checked), with its reasons."""

    verdict: str = "not_asked"
    reasons: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class BundleSettings:
    """How a bundle is made.

    `reviewed_only` leaves out what no person has submitted an annotation of, `audited_only` what the project's audit
    ledger does not call settled. `parquet` adds each split as a Parquet file, whose bytes depend on pyarrow's version.
    """

    name: str
    ratios: Mapping[str, float] = field(default_factory=lambda: {"train": 0.8, "validation": 0.1, "test": 0.1})
    seed: int = 0
    threshold: float = 0.7
    reviewed_only: bool = False
    audited_only: bool = False
    parquet: bool = False
    gate: GateRecord = GateRecord()


def describe_data(samples: Sequence[Sample], left_out: Mapping[str, int], fingerprint: str) -> dict[str, Any]:
    """The section `data`: what is in the bundle and what was left out."""
    best = [sample.best for sample in samples]
    annotations = [annotation for annotation in best if annotation]
    return {
        "fingerprint": fingerprint,
        "samples": len(samples),
        "reviewed": sum(bool(sample.reviews) for sample in samples),
        "entities": sum(len(annotation.entities) for annotation in annotations),
        "clusters": sum(len(annotation.clusters) for annotation in annotations),
        "negatives": sum(not annotation.entities and not annotation.mentions for annotation in annotations),
        "left_out": dict(sorted(left_out.items())),
        "labels": _count(entity.label for annotation in annotations for entity in annotation.entities),
        "languages": _count(sample.language for sample in samples),
        "sources": _count(find_source(sample.provenance) for sample in samples),
        "terms": _count(terms for sample in samples if (terms := find_terms(sample.provenance))),
    }


def describe_split(
    plan: BundleSettings, report: SplitReport, assignment: Mapping[str, str], extends: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """The section `split`: how it was made, its sizes, what it leaks beside a random one, and what it extends."""
    described = {
        "fingerprint": hash_bytes(orjson.dumps(assignment, option=orjson.OPT_SORT_KEYS)),
        "seed": plan.seed,
        "threshold": plan.threshold,
        "ratios": dict(plan.ratios),
        "sizes": report.sizes,
        "groups": report.groups,
        "largest_group": report.largest_group,
        "leakage": _round(report.grouped),
        "random_leakage": _round(report.random),
    }
    return described | ({"extends": dict(extends)} if extends else {})


def describe_labels(labels: LabelSchema) -> dict[str, Any]:
    """The section `label_schema`."""
    return {
        "fingerprint": labels.fingerprint,
        "version": labels.version,
        "labels": [label.code for label in labels.entities],
    }


def check_manifest(document: Any) -> dict[str, Any]:
    """The manifest, if it keeps its schema.

    Raises:
        SchemaError: it does not.
    """
    if wrong := schemas.validator(SCHEMA).explain(document, 5):
        raise SchemaError(f"{MANIFEST} is not a manifest of a training bundle: {wrong}")
    checked: dict[str, Any] = document
    return checked


def seal_manifest(content: Mapping[str, Any]) -> dict[str, Any]:
    """The manifest with its own fingerprint: that of everything in it but the fingerprint."""
    unsealed = {name: value for name, value in content.items() if name != "fingerprint"}
    return unsealed | {"fingerprint": hash_bytes(dump(unsealed))}


def make_mappings(labels: LabelSchema) -> dict[str, Any]:
    """`label_mappings.json`: class ids of the BIO tags, under `pii` and at the top, and the trainer they hold for.

    Goldspan's trainer takes the order of the label schema. kiji's trainer orders its own 26 labels and ignores this
    file; where the schema has those labels, `kiji` holds its ids, which a model trained by kiji's code needs.
    """
    tables = _number_tags(labels.bio_table)
    mappings: dict[str, Any] = {"trainer": "goldspan", **tables, "pii": tables}
    if labels.entity_codes == frozenset(KIJI_LABELS):
        tags = ("O", *(f"{prefix}-{code}" for code in KIJI_LABELS for prefix in ("B", "I")))
        mappings["kiji"] = {"trainer": "kiji", **_number_tags(tags)}
    return mappings


def _number_tags(tags: Iterable[str]) -> dict[str, dict[str, Any]]:
    label2id = {tag: number for number, tag in enumerate(tags)}
    return {"label2id": label2id, "id2label": {str(number): tag for tag, number in label2id.items()}}


def dump(document: Any) -> bytes:
    """JSON that is the same for equal documents, and readable."""
    return orjson.dumps(document, option=orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS | orjson.OPT_APPEND_NEWLINE)


def hash_bytes(data: bytes) -> str:
    """SHA-256 as 64 hex digits."""
    return hashlib.sha256(data).hexdigest()


def hash_folder(entries: Mapping[str, str]) -> str:
    """The digest of a folder, from the digests of its files by name."""
    return hash_bytes("".join(f"{value}  {name}\n" for name, value in sorted(entries.items())).encode())


def _count(names: Any) -> dict[str, int]:
    return dict(sorted(Counter(names).items()))


def _round(leakage: Leakage) -> dict[str, Any]:
    return {name: round(value, 6) for name, value in asdict(leakage).items()}
