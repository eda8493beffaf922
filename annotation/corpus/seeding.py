"""Wrong suggestions on purpose, in a few samples, to see whether people look.

In a fixed share of the samples one suggestion of the prediction is given another label, or a word that is none is
marked. Where it stands is recorded in the provenance (`seeded`: start, end, label). The share that reviewers leave
standing is the automation-bias rate. Tell the team that it is done; not where.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from goldspan.annotation.corpus.queue import draw_order
from goldspan.annotation.types import Annotation, Entity, Sample, sort_spans

FIELD = "seeded"
_WORD = re.compile(r"\b[^\W\d_]{4,}\b")


def seed_errors(samples: Sequence[Sample], share: float, labels: Sequence[str], seed: int = 0) -> list[Sample]:
    """The samples with one wrong suggestion in a share (0 to 1) of those that have a prediction.

    A sample is chosen by its id: the same ones each time, and a larger share contains the smaller one.
    """
    return [_seed_one(one, labels, seed) if _is_chosen(one, share, seed) else one for one in samples]


def read_seeded(sample: Sample) -> tuple[Entity, ...]:
    """The wrong suggestions of a sample."""
    recorded = sample.provenance.get(FIELD)
    spans = recorded if isinstance(recorded, list) else []
    return tuple(
        Entity(span["start"], span["end"], span["label"])
        for span in spans
        if isinstance(span, dict) and span.keys() >= {"start", "end", "label"}
    )


def _is_chosen(sample: Sample, share: float, seed: int) -> bool:
    return bool(sample.predictions) and draw_order(sample.sample_id, "seeded error", seed) < share


def _seed_one(sample: Sample, labels: Sequence[str], seed: int) -> Sample:
    shown = sample.predictions[-1]
    wrong = _choose(sample, shown, labels, seed)
    if wrong is None:
        return sample
    place = (wrong.start, wrong.end)
    entities = [entity for entity in shown.entities if (entity.start, entity.end) != place]
    spoiled = replace(shown, entities=sort_spans([*entities, wrong]))
    annotations = tuple(spoiled if one is shown else one for one in sample.annotations)
    recorded = [{"start": wrong.start, "end": wrong.end, "label": wrong.label}]
    return replace(sample, annotations=annotations, provenance={**sample.provenance, FIELD: recorded})


def _choose(sample: Sample, shown: Annotation, labels: Sequence[str], seed: int) -> Entity | None:
    """Another label for an entity, or a label for a word: by turns, whichever the text allows."""
    draw = draw_order(sample.sample_id, "seeded kind", seed)
    relabelled = [
        replace(entity, label=other) for entity in shown.entities for other in sorted(labels) if other != entity.label
    ]
    taken = [(e.start, e.end) for e in shown.entities] + [(m.start, m.end) for m in shown.mentions]
    words = [m.span() for m in _WORD.finditer(sample.text)]
    free = [(s, e) for s, e in words if not any(s < end and start < e for start, end in taken)]
    known = sorted({entity.label for entity in shown.entities}) or sorted(labels)[:1]
    invented = [Entity(start, end, label) for start, end in free for label in known]
    options = (relabelled or invented) if draw < 0.5 else (invented or relabelled)
    if not options:
        return None
    return options[int(draw_order(sample.sample_id, "seeded place", seed) * len(options))]
