"""Coverage at the gate: entities missing to each label's target, and whether to generate or only to review."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from goldspan.annotation.labels.schema import LabelSchema
from goldspan.training.gate.commands import Commands
from goldspan.training.gate.verdict import Criterion

Best = Mapping[tuple[str, str], int]
"""Entities of the best annotations of all samples, reviewed or not, by label and language."""


@dataclass(frozen=True, slots=True)
class _Cell:
    """A label, in one language or (None) in all of them, and how many of its entities are wanted."""

    label: str
    language: str | None
    target: int

    @property
    def name(self) -> str:
        return self.label if self.language is None else f"{self.label} in {self.language or 'no language'}"

    def measure(self, counts: Best, languages: Iterable[str]) -> float:
        """Share of the target that these counts reach."""
        places = languages if self.language is None else [self.language]
        return sum(counts.get((self.label, place), 0) for place in places) / self.target


def check_coverage(
    thresholds: Mapping[str, float],
    reviewed: Best,
    languages: Iterable[str],
    labels: LabelSchema,
    commands: Commands,
    find_best: Callable[[], Best],
) -> Iterator[Criterion]:
    """The criteria of the section `coverage`; there are none if no label has a target."""
    wanted = {label.code: label.target for label in labels.entities if label.target}
    check = _CoverageCheck(reviewed, tuple(languages), commands, find_best)
    if "share" in thresholds and wanted:
        cells = [_Cell(code, None, target) for code, target in wanted.items()]
        yield check.judge("coverage.share", "Has every label its target?", cells, thresholds["share"])
    if "share_per_language" in thresholds and wanted:
        cells = [_Cell(code, language, target) for code, target in wanted.items() for language in check.languages]
        question = "Has every label enough in every language?"
        yield check.judge("coverage.share_per_language", question, cells, thresholds["share_per_language"])


@dataclass(frozen=True, slots=True)
class _CoverageCheck:
    reviewed: Best
    languages: tuple[str, ...]
    commands: Commands
    find_best: Callable[[], Best]

    def judge(self, name: str, question: str, cells: Sequence[_Cell], bound: float) -> Criterion:
        """The criterion over cells: the lowest share counts."""
        if not cells:
            fix = self.commands.on_workspace("goldspan studio pull")
            return Criterion(name, question, None, bound, True, "nothing is reviewed", fix)
        shares = {cell: cell.measure(self.reviewed, self.languages) for cell in cells}
        short = sorted((cell for cell in shares if shares[cell] < bound), key=lambda cell: (shares[cell], cell.name))
        detail = ", ".join(f"{cell.name} {shares[cell]:.0%}" for cell in short[:5])
        if len(short) > 5:
            detail += f" and {len(short) - 5} more"
        advice, fix = self._advise(short, bound) if short else ("", "")
        return Criterion(name, question, min(shares.values()), bound, True, detail + advice, fix)

    def _advise(self, short: Iterable[_Cell], bound: float) -> tuple[str, str]:
        """Detail and command: generate what no sample holds, else review what is predicted."""
        best = self.find_best()
        languages = {language for _, language in best} | set(self.languages)
        unwritten = [cell for cell in short if cell.measure(best, languages) < bound]
        if not unwritten:
            return "; predictions hold enough, what is missing is review", self.commands.on_workspace(
                "goldspan studio push"
            )
        places = {cell.language for cell in unwritten}
        return "", self.commands.fill_gaps(languages if None in places else (place for place in places if place))
