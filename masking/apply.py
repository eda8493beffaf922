"""Apply a policy to a text and its annotation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from goldspan.annotation.errors import MaskingError
from goldspan.annotation.labels.schema import LabelSchema
from goldspan.annotation.text.words import splits_word_at
from goldspan.annotation.types import Annotation, Mention
from goldspan.masking import operators
from goldspan.masking.allocation import Allocator
from goldspan.masking.detection import EMBEDDED, find_spans, unite_spans
from goldspan.masking.keys import MaskingKey, require_key
from goldspan.masking.ledger import Ledger, LedgerEntry
from goldspan.masking.persons import Referent
from goldspan.masking.policy import REVERSIBLE, Policy, Rule
from goldspan.masking.referents import find_referents
from goldspan.masking.restore import restore_text
from goldspan.masking.result import FoundSpan, MaskedText, Replacement
from goldspan.masking.verify import verify_masked

LITERAL = "LITERAL"
"""Label of text that looks like a replacement and is none: it is replaced too, so that `restore` stays exact."""


@dataclass(frozen=True, slots=True)
class MaskingContext:
    """What masking needs beside the text: the label schema, the key, the text's language and country (or empty).

    `persons` of the text before this one, by their key; those of this text are added. None: this text stands alone.
    `known` are values masked elsewhere, which are looked for in this text, too.
    """

    schema: LabelSchema
    key: MaskingKey | None = None
    language: str = ""
    country: str = ""
    persons: dict[str, Referent] | None = None
    known: Mapping[str, FoundSpan] = field(default_factory=dict)


def mask_annotation(
    text: str, annotation: Annotation, policy: Policy, context: MaskingContext, ledger: Ledger | None = None
) -> MaskedText:
    """The text with every entity of the annotation replaced as the policy says.

    Args:
        text: the verbatim text.
        annotation: entities, and mentions whose clusters say who is who.
        policy: what is done with each label.
        context: label schema, key, language and country.
        ledger: earlier replacements, for consistency over several texts; None: this text alone.

    Raises:
        MaskingError: an entity lies outside the text, an operator cannot do its work, or the result failed its checks.
        ConfigurationError: an operator needs a key and there is none.
    """
    if policy.needs_key:
        require_key(context.key, f"The policy {policy.name}")
    ledger = Ledger() if ledger is None else ledger
    detection = find_spans(text, annotation.entities, policy, context.schema, context.country, context.known)
    spans = detection.spans
    if policy.references:
        spans = unite_spans([*spans, *_find_references(spans, annotation.mentions)])
    spans = unite_spans([*spans, *_find_literals(text, spans, policy, ledger)])
    referents = find_referents(text, spans, annotation.mentions, (context.persons or {}).values(), ledger.persons)
    for invent in (True, False):
        work = _Work(text, spans, referents, policy, context, ledger, invent)
        masked, replacements = work.build()
        mapping = work.list_mapping(masked, replacements)
        exact = restore_text(masked, ledger, context.key).text == work.predict_restored(replacements)
        if exact or not work.invented:
            break
    result = MaskedText(
        text=masked,
        replacements=tuple(replacements),
        policy=policy.name,
        policy_fingerprint=policy.fingerprint,
        model_version=annotation.author.name,
        mapping=mapping,
        below_threshold=detection.below_threshold,
    )
    verify_masked(text, result, sweep=policy.sweep)
    if not exact:
        raise MaskingError("The masked text cannot be taken back to the original; nothing was given out.")
    ledger.commit()
    if context.persons is not None:
        context.persons.update((one.key, one) for one in referents if one.is_person)
    return result


def _find_references(spans: Sequence[FoundSpan], mentions: Sequence[Mention]) -> list[FoundSpan]:
    """Pronouns and references of clusters in which something is masked; they hold no masked stretch themselves."""
    masked = {
        mention.cluster
        for mention in mentions
        if mention.cluster and any(mention.start <= span.start and span.end <= mention.end for span in spans)
    }
    return [
        FoundSpan(mention.start, mention.end, mention.label, None, "reference")
        for mention in mentions
        if mention.cluster in masked
        and mention.label in ("PRONOUN", "REFERENCE")
        and not any(mention.start < span.end and span.start < mention.end for span in spans)
    ]


def _find_literals(text: str, spans: Sequence[FoundSpan], policy: Policy, ledger: Ledger) -> list[FoundSpan]:
    places = list(ledger.find_replacements(text))
    if any(rule.operator == "encrypt" for rule in policy.list_rules()):
        places += [match.span() for match in operators.TOKEN.finditer(text)]
    return [
        FoundSpan(start, end, LITERAL, None, "literal")
        for start, end in places
        if not any(start < span.end and span.start < end for span in spans)
    ]


class _Work:
    """Builds one masked text; `invent` False gives placeholders in place of surrogates."""

    def __init__(
        self,
        text: str,
        spans: Sequence[FoundSpan],
        referents: Sequence[Referent],
        policy: Policy,
        context: MaskingContext,
        ledger: Ledger,
        invent: bool,
    ) -> None:
        self._text, self._spans, self._referents = text, spans, referents
        self._policy, self._context, self._ledger, self._invent = policy, context, ledger, invent
        key = context.key or ledger.key
        self._allocator = Allocator(text, spans, ledger, context.schema, key, context.language, context.country)
        self._subject = next((one for one in referents if one.is_person), Referent(""))
        self.invented = False

    def build(self) -> tuple[str, list[Replacement]]:
        rules = [self._find_rule(span) for span in self._spans]
        chosen: dict[int, str] = {}
        for number in self._order():
            chosen[number] = self._replace(number, rules[number])
        pieces: list[str] = []
        replacements: list[Replacement] = []
        cursor = length = 0
        numbers = {key: number for number, key in enumerate(dict.fromkeys(r.key for r in self._referents), start=1)}
        for number, span in enumerate(self._spans):
            kept, replacement = self._text[cursor : span.start], chosen[number]
            start = length + len(kept)
            length, cursor = start + len(replacement), span.end
            pieces += (kept, replacement)
            replacements.append(
                Replacement(
                    span.start,
                    span.end,
                    start,
                    length,
                    span.label,
                    rules[number].operator,
                    replacement,
                    span.source,
                    numbers[self._referents[number].key],
                    span.score,
                )
            )
        return "".join([*pieces, self._text[cursor:]]), replacements

    def predict_restored(self, replacements: Sequence[Replacement]) -> str:
        """What `restore` has to give: the original, but for the values whose operator cannot be undone."""
        pieces: list[str] = []
        cursor = 0
        for one in replacements:
            value = self._text[one.start : one.end] if one.operator in REVERSIBLE else one.replacement
            pieces += (self._text[cursor : one.start], value)
            cursor = one.end
        return "".join([*pieces, self._text[cursor:]])

    def list_mapping(self, masked: str, replacements: Sequence[Replacement]) -> dict[str, str]:
        """Replacements of `number` and `fake` with their originals; a replacement inside a word with its word."""
        mapping: dict[str, str] = {}
        for number, one in enumerate(replacements):
            if one.operator in ("number", "fake"):
                mapping[one.replacement] = self._text[one.start : one.end]
                if one.operator == "fake" and self._is_inside_word(masked, one):
                    run, original = self._widen(masked, replacements, number)
                    mapping[run] = original
                    self._ledger.add(LedgerEntry("run", one.label, "", original, run))
        return mapping

    def _is_inside_word(self, masked: str, one: Replacement) -> bool:
        return splits_word_at(masked, one.masked_start) or splits_word_at(masked, one.masked_end)

    def _widen(self, masked: str, replacements: Sequence[Replacement], number: int) -> tuple[str, str]:
        """The masked word around a replacement and the original one, other replacements in it included."""
        first = last = number
        start, end = replacements[number].masked_start, replacements[number].masked_end
        while splits_word_at(masked, start):
            start -= 1
            if first and start < replacements[first - 1].masked_end:
                first -= 1
                start = replacements[first].masked_start
        while splits_word_at(masked, end):
            end += 1
            if last + 1 < len(replacements) and end > replacements[last + 1].masked_start:
                last += 1
                end = replacements[last].masked_end
        begin = replacements[first].start - (replacements[first].masked_start - start)
        stop = replacements[last].end + (end - replacements[last].masked_end)
        return masked[start:end], self._text[begin:stop]

    def _order(self) -> list[int]:
        """Spans of persons first: a person has one number over all labels, whatever else the text holds."""
        return sorted(range(len(self._spans)), key=lambda number: (not self._referents[number].is_person, number))

    def _find_rule(self, span: FoundSpan) -> Rule:
        if span.source in ("literal", "reference"):
            return Rule("number")
        if span.label == EMBEDDED:
            return Rule("replace")
        rule = self._policy.find_rule(span.label, self._context.schema)
        return Rule("replace") if rule.operator == "keep" else rule

    def _replace(self, number: int, rule: Rule) -> str:
        span, referent, context = self._spans[number], self._referents[number], self._context
        value = self._text[span.start : span.end]
        if rule.operator == "number" or (rule.operator == "fake" and not self._invent):
            return self._allocator.choose_placeholder(span.label, value, referent)
        if rule.operator == "fake":
            self.invented = True
            return self._allocator.choose_surrogate(span.label, value, referent)
        if rule.operator == "shift_date" and not referent.is_person:
            referent = self._subject
        return _compute(value, span.label, rule, referent, context)


def _compute(value: str, label: str, rule: Rule, referent: Referent, context: MaskingContext) -> str:
    match rule.operator:
        case "redact":
            return rule.mark
        case "replace":
            return operators.name_label(label)
        case "mask":
            return operators.mask_characters(value, rule)
        case "generalise":
            return operators.generalise(value, label, rule, context.schema, context.language, context.country)
        case "hash":
            return operators.hash_value(value, label, require_key(context.key, "hash"))
        case "encrypt":
            return operators.encrypt_value(value, label, require_key(context.key, "encrypt"), linkable=rule.linkable)
        case "shift_date":
            key = require_key(context.key, "shift_date")
            return operators.shift_date(value, label, rule, referent, key, context.language, context.country)
    raise MaskingError(f"There is no operator {rule.operator}.")
