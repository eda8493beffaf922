"""How unsure a model is of a text, per 100 tokens, and the prediction score that says so.

    uncertainty = 100 · mean over all tokens, O included, of -log p(decoded tag)      models with token probabilities
    uncertainty = 100 · (sum over entities of (1 - score) + 0.1) / tokens             rules, which score entities only
    score       = 1 / (1 + uncertainty)                                               1: sure; Label Studio sorts by it

The first is the mean negative log-probability of maximum normalised log-probability sampling (Shen et al. 2018). The
second sees no entity that the rules overlook, so it orders worse. Uncertainties of two models cannot be compared.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence

from goldspan.annotation.types import Annotation, Entity

_TOKEN = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]|\w+|[^\w\s]")
_SMOOTHING = 0.1
_LEAST = 1e-9


def count_tokens(text: str) -> int:
    """Count words and punctuation marks; at least 1."""
    return max(1, len(_TOKEN.findall(text)))


def find_tokens(text: str) -> list[tuple[int, int]]:
    """The half-open places of words and punctuation marks; a character of a script without spaces is a word."""
    return [match.span() for match in _TOKEN.finditer(text)]


def score_tokens(probabilities: Sequence[float]) -> float:
    """Score a prediction by the probability of each token's decoded tag; 1.0 for a text without tokens."""
    if not probabilities:
        return 1.0
    mean = sum(-math.log(min(max(one, _LEAST), 1.0)) for one in probabilities) / len(probabilities)
    return _score(100 * mean)


def score_entities(text: str, entities: Iterable[Entity]) -> float:
    """Score a prediction whose entities alone have scores."""
    return _score(_measure_entities([entity.score for entity in entities], count_tokens(text)))


def combine_scores(scores: Iterable[float | None]) -> float | None:
    """The score of several predictors' common prediction: that of their mean uncertainty; None without a score."""
    known = [1 / max(score, _LEAST) - 1 for score in scores if score is not None]
    return _score(sum(known) / len(known)) if known else None


def measure_uncertainty(prediction: Annotation, tokens: int) -> float | None:
    """Measure how unsure a model was, per 100 tokens; None if neither the prediction nor its entities have a score."""
    if prediction.score is not None:
        return 1 / min(max(prediction.score, _LEAST), 1.0) - 1
    scores = [entity.score for entity in prediction.entities]
    return _measure_entities(scores, tokens) if any(score is not None for score in scores) else None


def _measure_entities(scores: Sequence[float | None], tokens: int) -> float:
    doubt = sum(_SMOOTHING if score is None else 1 - min(max(score, 0.0), 1.0) for score in scores)
    return 100 * (doubt + _SMOOTHING) / tokens


def _score(uncertainty: float) -> float:
    return round(1 / (1 + uncertainty), 6)
