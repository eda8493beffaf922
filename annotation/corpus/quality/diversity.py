"""Checks of diversity, on skeletons: values vary in synthetic text while the sentences around them do not."""

from __future__ import annotations

import re
import zlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from goldspan.annotation.corpus.minhash import group_near_duplicates
from goldspan.annotation.corpus.quality.result import CheckResult
from goldspan.annotation.identity import hash_briefly
from goldspan.annotation.wording import format_count

_WORD = re.compile(r"\w+")
_GROUP = "diversity"
_SEED = 7
_VENDI_SAMPLES = 1000
_VENDI_FEATURES = 4096
_GRAM = 5
_COMPRESSED = 8 << 20


@dataclass(slots=True)
class SkeletonCounts:
    """How often each skeleton and each opening (three words) occurs, by hash."""

    skeletons: Counter[str] = field(default_factory=Counter)
    openings: Counter[str] = field(default_factory=Counter)

    def add(self, skeleton: str) -> None:
        """Count one sample."""
        self.skeletons[hash_briefly(skeleton)] += 1
        self.openings[hash_briefly(" ".join(_WORD.findall(skeleton.casefold())[:3]))] += 1

    def merge(self, other: SkeletonCounts) -> None:
        """Add what was counted elsewhere."""
        self.skeletons.update(other.skeletons)
        self.openings.update(other.openings)

    def to_dict(self) -> dict[str, Any]:
        """As JSON."""
        return {"skeletons": self.skeletons, "openings": self.openings}


def judge_diversity(counts: SkeletonCounts, skeletons: Sequence[str]) -> list[CheckResult]:
    """All checks of diversity: by the counts of all samples, and by the skeletons of them or of a random part.

    Limits follow what public checks of synthetic text use; each summary names its own.
    """
    if not skeletons:
        return []
    return [
        *_judge_skeletons(counts.skeletons),
        _judge_near_duplicates(skeletons),
        _judge_compression(skeletons),
        _judge_trigrams(skeletons),
        _judge_openings(counts.openings),
        judge_vendi(skeletons),
    ]


def _judge_skeletons(found: Counter[str]) -> list[CheckResult]:
    samples = found.total()
    unique, largest = len(found) / samples, max(found.values()) / samples
    info = {"skeletons": len(found), "samples": samples}
    return [
        CheckResult(
            "skeleton_uniqueness",
            _GROUP,
            unique,
            unique < 0.5,
            f"{format_count(len(found), 'skeleton')} in {format_count(samples, 'sample')} ({unique:.1%}; below 50% "
            "is flagged).",
            info,
        ),
        CheckResult(
            "largest_skeleton_share",
            _GROUP,
            1 - largest,
            largest > 0.1 and samples >= 20,
            f"The most frequent skeleton makes up {largest:.1%} (10% is the limit, from 20 samples on).",
            info | {"largest": max(found.values())},
        ),
    ]


def _judge_near_duplicates(skeletons: Sequence[str]) -> CheckResult:
    groups = len(set(group_near_duplicates(skeletons).tolist()))
    rate = 1 - groups / len(skeletons)
    summary = f"{rate:.1%} of the samples nearly repeat the skeleton of another (10% is the limit)."
    return CheckResult("near_duplicate_rate", _GROUP, 1 - rate, rate > 0.1, summary, {"groups": groups})


def _judge_compression(skeletons: Sequence[str]) -> CheckResult:
    data = "\n".join(skeletons).encode("utf-8", "surrogatepass")[:_COMPRESSED]
    ratio = len(zlib.compress(data, 6)) / len(data) if data else 1.0
    summary = f"The skeletons compress to {ratio:.1%} of their size (below 20% is flagged, from 100 samples on)."
    flag = ratio < 0.2 and len(skeletons) >= 100
    return CheckResult("skeleton_gzip_ratio", _GROUP, min(ratio, 1.0), flag, summary, {"bytes": len(data)})


def _judge_trigrams(skeletons: Sequence[str]) -> CheckResult:
    total = 0
    distinct: set[int] = set()
    for skeleton in _draw(skeletons, 5000):
        words = _WORD.findall(skeleton.casefold())
        total += max(len(words) - 2, 0)
        distinct.update(hash(tuple(words[place : place + 3])) for place in range(len(words) - 2))
    ratio = len(distinct) / total if total else 1.0
    summary = f"{ratio:.1%} of all word triples are distinct (below 50% is flagged; at most 5,000 samples are drawn)."
    return CheckResult("distinct_3", _GROUP, ratio, ratio < 0.5, summary, {"triples": total, "distinct": len(distinct)})


def _judge_openings(openings: Counter[str]) -> CheckResult:
    samples = openings.total()
    share = max(openings.values()) / samples
    summary = f"{share:.1%} of the samples open with the same three words (10% is the limit, from 20 samples on)."
    flag = share > 0.1 and samples >= 20
    return CheckResult("opening_share", _GROUP, 1 - share, flag, summary, {"openings": len(openings)})


def judge_vendi(skeletons: Sequence[str]) -> CheckResult:
    """The Vendi Score (Friedman and Dieng 2023, q = 1): the effective number of different samples.

    exp of the entropy of the eigenvalues of K/n, where K holds the cosine similarities of hashed counts of five
    characters in a row; at most 1,000 samples are drawn. Scores rest on similarity and are lower than counts.
    """
    drawn = _draw(skeletons, _VENDI_SAMPLES)
    features = np.zeros((len(drawn), _VENDI_FEATURES))
    for row, skeleton in zip(features, drawn, strict=True):
        folded = skeleton.casefold()
        grams = [folded[place : place + _GRAM] for place in range(max(len(folded) - _GRAM + 1, 1))]
        for gram in grams:
            row[zlib.crc32(gram.encode("utf-8", "surrogatepass")) % _VENDI_FEATURES] += 1
    features /= np.maximum(np.linalg.norm(features, axis=1, keepdims=True), 1e-12)
    eigenvalues = np.linalg.eigvalsh(features @ features.T / len(drawn))
    positive = eigenvalues[eigenvalues > 1e-12]
    vendi = float(np.exp(-(positive * np.log(positive)).sum()))
    share = min(vendi / len(drawn), 1.0)
    summary = (
        f"{format_count(len(drawn), 'sample')}, worth {vendi:.1f} different ones (below 5% is flagged, from 100 on)."
    )
    return CheckResult(
        "vendi", _GROUP, share, share < 0.05 and len(drawn) >= 100, summary, {"vendi": vendi, "drawn": len(drawn)}
    )


def _draw(skeletons: Sequence[str], size: int) -> list[str]:
    if len(skeletons) <= size:
        return list(skeletons)
    drawn = np.random.default_rng(_SEED).choice(len(skeletons), size, replace=False)
    return [skeletons[index] for index in drawn]
