"""`goldspan.mask`: read a text with a predictor and mask what it finds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from goldspan.annotation.errors import InputError, MaskingError
from goldspan.annotation.labels.schema import LabelSchema, load_labels
from goldspan.annotation.loops import run_interruptible
from goldspan.annotation.types import Annotation, Author, sort_spans
from goldspan.masking.apply import MaskingContext, mask_annotation
from goldspan.masking.detection import find_spans
from goldspan.masking.keys import MaskingKey, find_key
from goldspan.masking.ledger import Ledger
from goldspan.masking.persons import Referent
from goldspan.masking.policy import Policy, load_policy
from goldspan.masking.result import FoundSpan, MaskedText
from goldspan.masking.visible import show_text
from goldspan.predictors.base import Predictor
from goldspan.predictors.registry import open_predictor

DEFAULT_POLICY = "pseudonymise"


class Masker:
    """Masks texts with one predictor and one policy.

    With a `ledger` (or a `Vault`), texts share their replacements and are masked one after the other; without, each
    text stands alone and several may be masked at once. With `persons`, texts are parts of one conversation: a name
    means who bore it before.
    """

    def __init__(
        self,
        predictor: Predictor,
        policy: Policy,
        schema: LabelSchema,
        *,
        key: MaskingKey | None = None,
        ledger: Ledger | None = None,
        persons: dict[str, Referent] | None = None,
    ) -> None:
        self.predictor, self.policy, self.schema = predictor, policy, schema
        self.key, self.ledger, self.persons = key, ledger, persons
        recognised = {one.label for one in policy.recognisers}
        self.unread_labels = tuple(
            sorted(
                code
                for code in schema.entity_codes - predictor.labels - recognised
                if policy.find_rule(code, schema).operator != "keep"
            )
        )

    async def mask(self, text: str, language: str = "", country: str = "") -> MaskedText:
        """The masked text.

        Raises:
            MaskingError: the text cannot be masked safely; there is no output.
            ServiceError: the predictor did not answer.
        """
        annotation = await self.read(text, language, country)
        return self.apply(text, annotation, language, country)

    async def read(self, text: str, language: str = "", country: str = "") -> Annotation:
        """What the predictor finds in the text and in what a reader sees of it; an empty text is not sent to it."""
        if not text.strip():
            return Annotation(Author.model(self.predictor.model_version))
        prediction = await self.predictor.predict(text, language, country)
        shown = show_text(text)
        if shown is None or not shown.text.strip():
            return prediction.annotation
        seen = shown.locate_entities((await self.predictor.predict(shown.text, language, country)).annotation.entities)
        known = {entity.span for entity in prediction.annotation.entities}
        fresh = [entity for entity in seen if entity.span not in known]
        return replace(prediction.annotation, entities=sort_spans([*prediction.annotation.entities, *fresh]))

    def find(
        self, text: str, annotation: Annotation, country: str = "", known: Mapping[str, FoundSpan] | None = None
    ) -> tuple[FoundSpan, ...]:
        """The stretches of the text that `apply` masks; `known`: values masked elsewhere, which are looked for, too."""
        return find_spans(text, annotation.entities, self.policy, self.schema, country, known or {}).spans

    def apply(
        self,
        text: str,
        annotation: Annotation,
        language: str = "",
        country: str = "",
        known: Mapping[str, FoundSpan] | None = None,
    ) -> MaskedText:
        """The text masked by an annotation that is there; `known` as in `find`."""
        context = MaskingContext(self.schema, self.key, language, country, self.persons, known or {})
        masked = mask_annotation(text, annotation, self.policy, context, self.ledger)
        return replace(masked, unread_labels=self.unread_labels)

    def share_replacements(self) -> Masker:
        """A masker whose texts share their replacements: with the ledger that there is, else with a new one."""
        return self if self.ledger is not None else self.adopt(Ledger(key=self.key))

    def begin_conversation(self) -> Masker:
        """A masker whose texts share their replacements and persons: with those that there are, else with new ones."""
        masker = self.adopt(Ledger(key=self.key) if self.ledger is None else self.ledger)
        masker.persons = {} if self.persons is None else self.persons
        return masker

    def adopt(self, ledger: Ledger | None) -> Masker:
        """The same masker with another ledger."""
        return Masker(self.predictor, self.policy, self.schema, key=self.key, ledger=ledger, persons=self.persons)

    async def aclose(self) -> None:
        """Close the predictor."""
        await self.predictor.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()


def open_masker(
    policy: str | Path | Policy = DEFAULT_POLICY,
    predictor: str | Path | Predictor = "",
    *,
    labels: LabelSchema | None = None,
    key: MaskingKey | None = None,
    ledger: Ledger | None = None,
    **options: Any,
) -> Masker:
    """A masker from names.

    Args:
        policy: a policy, the name of a preset, or a TOML file.
        predictor: a predictor, or whatever `open_predictor` opens.
        labels: the label schema; None: the one that `load_labels` finds.
        key: the masking key; None: the one in GOLDSPAN_MASKING_KEY, if there is one.
        ledger: earlier replacements, or a vault.
        options: options of the predictor.

    Raises:
        InputError: no predictor is named, or policy, predictor or options are not known.
    """
    schema = labels or load_labels()
    rules = policy if isinstance(policy, Policy) else load_policy(policy, schema)
    if not predictor:
        raise InputError(
            "Name the predictor that finds the entities, for example predictor='regex+rampart'. `regex` alone finds "
            "no names."
        )
    reader = predictor if isinstance(predictor, Predictor) else open_predictor(predictor, schema, **options)
    return Masker(reader, rules, schema, key=key or find_key(), ledger=ledger)


async def mask_async(
    text: str,
    policy: str | Path | Policy = DEFAULT_POLICY,
    predictor: str | Path | Predictor = "",
    *,
    language: str = "",
    country: str = "",
    labels: LabelSchema | None = None,
    key: MaskingKey | None = None,
    ledger: Ledger | None = None,
    **options: Any,
) -> MaskedText:
    """Mask one text; see `open_masker` for the arguments. A predictor that is given open stays open.

    Raises:
        MaskingError: the text cannot be masked safely; there is no output.
        ServiceError: the predictor did not answer.
        InputError: an argument is wrong.
    """
    if not isinstance(text, str):
        raise MaskingError(f"A text is a str, not {type(text).__name__}.")
    masker = open_masker(policy, predictor, labels=labels, key=key, ledger=ledger, **options)
    try:
        return await masker.mask(text, language, country)
    finally:
        if not isinstance(predictor, Predictor):
            await masker.aclose()


mask = run_interruptible(mask_async)
"""`mask_async` for callers without an event loop, and for notebooks."""
