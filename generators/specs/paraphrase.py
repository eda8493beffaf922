"""A spec from a sample that exists: its facts for another text, with no sentence of the first.

Values of one person are those that its mentions name, and those that stand in a sentence after a mention of it. Values
of nobody form a last group of their own. A value that stands twice is one fact; a person's other first names, initials
and pronouns are other names for the same one.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Sequence

from goldspan.annotation.identity import identify_sample
from goldspan.annotation.labels.schema import LabelSchema
from goldspan.annotation.types import Entity, Mention, Sample
from goldspan.generators.specs.documents import DOCUMENT_TYPES, LENGTHS, draw_type
from goldspan.generators.specs.spec import Spec, SpecValue
from goldspan.generators.specs.values import NAMES
from goldspan.generators.surrogates.chance import make_random, pick
from goldspan.generators.surrogates.world import COUNTRIES, load_names

Facts = list[tuple[str, str]]
"""Labels with their values."""
_SENTENCE_END = re.compile(r"(?<!\d)(?<!\b[^\W\d])(?<!\b[^\W\d]{2})(?<!\bMrs)(?<!\bSra)\.\s|[!?]\s|\n")
"""Where a sentence ends; not after an ordinal, an initial or a title."""
_FIELD = re.compile(r"\W*[^.!?\n]{1,40}[:=–|;,]\s*")
"""The line before a value that is a field of a list, not part of a sentence."""
_WOMEN = frozenset(
    {"she", "her", "hers", "sie", "ihr", "ihre", "ihrer", "elle", "ella", "zij", "haar", "hun", "hende", "hendes"}
)
_MEN = frozenset(
    {"he", "him", "his", "er", "ihm", "ihn", "sein", "seine", "seiner", "il", "lui", "él", "hij", "hem", "zijn"}
    | {"han", "ham", "hans"}
)
_LONGEST_GAP = 2
"""Characters between two parts of one name."""


def can_paraphrase(sample: Sample) -> bool:
    """True if the sample has facts to tell: an annotation with an entity."""
    return sample.best is not None and bool(sample.best.entities)


def derive_spec(
    sample: Sample, labels: LabelSchema, seed: int, index: int, document_types: Sequence[str] = tuple(DOCUMENT_TYPES)
) -> Spec:
    """The facts of an annotated sample as the spec of another text, in its language, country and document type.

    A sample of no known type gets one of `document_types`. Only labels of the schema are told; a sample that
    `can_paraphrase` refuses gives a spec without values. A line break within a value becomes a blank.
    """
    rng = make_random(seed, index, "paraphrase", identify_sample(sample))
    groups = _group_values(sample, labels)
    values = tuple(SpecValue(*fact, person) for person, facts in enumerate(groups.values(), start=1) for fact in facts)
    asked = {entry.label for entry in values}
    countries = COUNTRIES.get(sample.language, ())
    document_type = sample.document_type or draw_type(rng, document_types)
    country = sample.country or (countries[0] if countries else "")
    return Spec(
        seed=seed,
        index=index,
        language=sample.language,
        country=country,
        document_type=document_type,
        register=DOCUMENT_TYPES.get(document_type, "formal"),
        length=next((band for band, (_, most) in LENGTHS.items() if len(sample.text) <= most), "long"),
        labels=tuple(label.code for label in labels.entities if label.code in asked),
        persons=len(groups),
        genders=tuple(_guess_gender(sample, key, facts) or pick(rng, "fm") for key, facts in groups.items()),
        hard_negative=not values,
        values=values,
    )


def _group_values(sample: Sample, labels: LabelSchema) -> dict[str, Facts]:
    """The facts of each referent in the order of the text; those of nobody last, under an empty key."""
    best, text = sample.best, sample.text
    if best is None:
        return {}
    entities = [entity for entity in best.entities if entity.label in labels.entity_codes]
    names = {label.code for label in labels.entities if label.code in NAMES or label.group == "PERSON"}
    ends = [match.end() for match in _SENTENCE_END.finditer(text)]
    owners = _find_named(text, entities, best.mentions, names)
    referents = sorted(
        [(m.start, m.end, m.cluster) for m in best.mentions if m.cluster]
        + [(entity.start, entity.end, key) for entity, key in owners.items()]
    )
    groups: dict[str, Facts] = {}
    loose: Facts = []
    for entity in entities:
        key = owners.get(entity) or _find_owner(text, entity, referents, ends)
        fact = (entity.label, " ".join(text[entity.start : entity.end].split()))
        facts = groups.setdefault(key, []) if key else loose
        if fact not in facts:
            facts.append(fact)
    told = {fact for facts in groups.values() for fact in facts}
    groups = {key: _drop_variants(facts) for key, facts in groups.items()}
    rest = [fact for fact in loose if fact not in told]
    return groups | ({"": rest} if rest else {})


def _find_named(
    text: str, entities: Sequence[Entity], mentions: Sequence[Mention], names: set[str]
) -> dict[Entity, str]:
    """For each entity within a mention, and each name, the key of whom it names."""
    owners: dict[Entity, str] = {}
    keys: dict[tuple[str, str], str] = {}
    last: Entity | None = None
    parts: set[str] = set()
    for entity in entities:
        holders = [m for m in mentions if m.start <= entity.start and entity.end <= m.end]
        holder = min(holders, key=lambda m: (not m.cluster, m.end - m.start), default=None)
        if holder is None and entity.label not in names:
            continue
        fact = (entity.label, text[entity.start : entity.end].casefold())
        if holder and holder.cluster:
            key = holder.cluster
        elif last and entity.start - last.end <= _LONGEST_GAP and entity.label not in parts:
            key = owners[last]
        else:
            key = keys.get(fact) or f"{holder.start if holder else entity.start} alone"
        keys.setdefault(fact, key)
        parts = {*parts, entity.label} if last and owners[last] == key else {entity.label}
        owners[entity] = key
        last = entity if entity.label in names else None
    return owners


def _find_owner(text: str, entity: Entity, referents: Sequence[tuple[int, int, str]], ends: Sequence[int]) -> str:
    """The referent last named before the entity in its sentence, else the only one of the sentence; of a list's field
    the last one before the list; else empty.
    """
    place = bisect_right(ends, entity.start)
    start, end = ends[place - 1] if place else 0, ends[place] if place < len(ends) else len(text)
    line = text[text.rfind("\n", 0, entity.start) + 1 : entity.start]
    before = [referent for referent in referents if referent[1] <= entity.start]
    within = [referent for referent in before if referent[0] >= start]
    if within:
        return within[-1][2]
    after = {key for first, _, key in referents if entity.end <= first < end}
    if len(after) == 1:
        return after.pop()
    return before[-1][2] if before and _FIELD.fullmatch(line) else ""


def _drop_variants(facts: Facts) -> Facts:
    """The facts with the longest of several first names or surnames, which name the same person."""
    longest = {
        label: max((v for other, v in facts if other == label), key=len) for label in NAMES if label in dict(facts)
    }
    return [(label, value) for label, value in facts if longest.get(label, value) == value]


def _guess_gender(sample: Sample, key: str, facts: Facts) -> str:
    """`f` or `m` by the pronouns of the referent, else by the first name; empty if neither says."""
    clusters = sample.best.clusters if sample.best else {}
    words = {sample.text[mention.start : mention.end].casefold() for mention in clusters.get(key, ())}
    if words & _WOMEN or words & _MEN:
        return "f" if len(words & _WOMEN) >= len(words & _MEN) else "m"
    first = dict(facts).get("FIRSTNAME", "").casefold()
    for country in COUNTRIES.get(sample.language, ()):
        known = load_names(sample.language, country)
        for gender in "fm":
            if first and any(first == name.casefold() for name in known[gender]):
                return gender
    return ""
