"""What answers are checked against, and the checks that every stage makes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from goldspan.annotation.checks import Issue, check_annotation, check_text, has_errors
from goldspan.annotation.errors import GoldspanError
from goldspan.annotation.labels.schema import LabelSchema
from goldspan.annotation.text.tagged import Tagged, parse_tagged
from goldspan.annotation.types import Annotation, Author

_AUTHOR = Author.model("draft")
read_tagged = lru_cache(maxsize=256)(parse_tagged)
"""`parse_tagged` for stages: what one stage accepts is the input of the next, and of the check of its novelty."""


@dataclass(frozen=True, slots=True)
class AnswerContext:
    """What an answer is checked against: labels, brief, and the input tagged text (empty for a draft).

    `is_final`: no attempt is left after this one. `is_trusted`: the author tags nothing wrongly (the offline one).
    """

    labels: LabelSchema
    brief: Mapping[str, Any]
    tagged_text: str = ""
    is_final: bool = False
    is_trusted: bool = False

    @property
    def language(self) -> str:
        """ISO 639-1, from the brief."""
        return str(self.brief.get("language", ""))

    @property
    def country(self) -> str:
        """ISO 3166-1 alpha-2, from the brief."""
        return str(self.brief.get("country", ""))


class WrongAnswerError(GoldspanError):
    """The answer cannot be used; the text is the reason."""


def check_tagged(tagged: Tagged, context: AnswerContext) -> list[str]:
    """The codes of all warnings.

    Raises:
        WrongAnswerError: there are errors; it names them.
    """
    annotation = Annotation(_AUTHOR, tagged.entities, tagged.mentions)
    issues: list[Issue] = check_text(tagged.text)
    issues += check_annotation(tagged.text, annotation, context.labels, context.language, context.country)
    if has_errors(issues):
        raise WrongAnswerError("; ".join(dict.fromkeys(i.message for i in issues if i.severity == "error")))
    return sorted(issue.code for issue in issues)
