"""Values beyond the brief that a model wrote and did not tag, where their form leaves no doubt."""

from __future__ import annotations

import re
from collections.abc import Sequence

from goldspan.annotation.labels.schema import LabelSchema
from goldspan.annotation.labels.validators import check_value
from goldspan.annotation.types import Entity

_FORMS = {
    "email": re.compile(r"(?<![\w.+-])[\w.+-]+@\w[\w-]*(?:\.\w[\w-]*)+"),
    "iban": re.compile(r"(?<!\w)[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,3})?(?!\w)"),
}
"""Values whose validator leaves no doubt (of IBANs, check digits), by its name."""


def find_omissions(text: str, entities: Sequence[Entity], labels: LabelSchema) -> list[Entity]:
    """E-mail addresses and IBANs that no entity touches, with the label of the schema that has their validator."""
    found = []
    for validator, pattern in _FORMS.items():
        codes = [label.code for label in labels.entities if label.validator == validator]
        if len(codes) != 1:
            continue
        for match in pattern.finditer(text):
            start, end = match.span()
            is_free = not any(entity.start < end and start < entity.end for entity in entities)
            if is_free and check_value(validator, match[0]):
                found.append(Entity(start, end, codes[0]))
    return found
