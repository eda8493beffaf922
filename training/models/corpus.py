"""Samples of a bundle as examples: encoded once, and anew for every epoch whose texts are augmented."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import astuple, dataclass
from typing import TYPE_CHECKING

from goldspan.annotation.errors import InputError
from goldspan.annotation.labels.schema import LabelSchema
from goldspan.annotation.types import Sample
from goldspan.predictors.model.encoding import encode_texts
from goldspan.training.config import AugmentationSettings
from goldspan.training.models.augment import augment_sample
from goldspan.training.models.labelling import Example, label_sample

if TYPE_CHECKING:
    from tokenizers import Tokenizer


@dataclass(frozen=True, slots=True)
class TrainingCorpus:
    """The training split and what it takes to make examples of it."""

    samples: tuple[Sample, ...]
    tokenizer: Tokenizer
    labels: LabelSchema
    augmentation: AugmentationSettings
    seed: int
    doubt_below: float

    def make_epoch(self, epoch: int, hard: frozenset[int] = frozenset()) -> list[Example]:
        """The examples of an epoch; samples in `hard` come twice."""
        chosen = [*enumerate(self.samples), *((number, self.samples[number]) for number in sorted(hard))]
        changed = [
            augment_sample(sample, self.augmentation, self.labels, seed=self.seed, epoch=epoch, number=place)
            for place, (_, sample) in enumerate(chosen)
        ]
        return make_examples(changed, self.tokenizer, self.labels, self.doubt_below)

    @property
    def varies(self) -> bool:
        """True if epochs differ."""
        return any(astuple(self.augmentation))


def make_examples(
    samples: Sequence[Sample], tokenizer: Tokenizer, labels: LabelSchema, doubt_below: float = 0.0
) -> list[Example]:
    """Examples of the samples that have an annotation."""
    kept = [sample for sample in samples if sample.best is not None]
    table = {tag: number for number, tag in enumerate(labels.bio_table)}
    encoded = encode_texts(tokenizer, [sample.text for sample in kept])
    return [
        label_sample(sample, one, table, doubt_below=doubt_below) for sample, one in zip(kept, encoded, strict=True)
    ]


def check_labels(samples: Iterable[Sample], labels: LabelSchema) -> Counter[str]:
    """How often each label of the schema is in the training split.

    Raises:
        InputError: there is no entity at all.
    """
    counts = Counter(e.label for sample in samples if sample.best for e in sample.best.entities)
    if not any(counts[label.code] for label in labels.entities):
        raise InputError(
            "The training split holds no entity: there is nothing to learn. Review samples with entities, and make "
            "the bundle again."
        )
    return counts


def check_validation(samples: Sequence[Sample], report: Callable[[str], None]) -> None:
    """Report a validation split without entities: no score says which weights are best, and nothing is calibrated.

    Raises:
        InputError: it is empty.
    """
    if not samples:
        raise InputError("The validation split is empty: nothing says when to stop. Make the bundle with more samples.")
    if not any(sample.best.entities for sample in samples if sample.best):
        report("The validation split has no entity: the last weights are taken, and nothing is calibrated.")
