"""Coverage at the gate: what labels lack to their targets, and whether it has to be written or only reviewed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from goldspan.annotation.corpus.coverage import count_coverage
from goldspan.annotation.labels.schema import LabelSchema
from goldspan.annotation.tasks.store import list_files, read_samples
from goldspan.annotation.tasks.workspace import Workspace
from goldspan.training.gate.commands import Commands
from goldspan.training.gate.verdict import Criterion

Best = Mapping[tuple[str, str], int]
"""Entities of the best readings of all samples, reviewed or not, by label and language."""


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


def count_best(workspace: Workspace, labels: LabelSchema) -> Counter[tuple[str, str]]:
    """Entities of the best readings of all samples of the workspace, counted as `--fill-gaps` counts them."""
    layers = (workspace.training_samples, workspace.annotation_samples)
    files = list_files([layer for layer in layers if layer.is_dir()])
    counts: Counter[tuple[str, str]] = Counter()
    found = count_coverage(read_samples(files, labels, lambda _: None, tolerant=True))
    for (label, language, _), count in found.items():
        counts[label, language] += count
    return counts


def ask_coverage(
    asked: Mapping[str, float],
    reviewed: Best,
    languages: Iterable[str],
    labels: LabelSchema,
    commands: Commands,
    find_best: Callable[[], Best],
) -> Iterator[Criterion]:
    """The criteria of the section `coverage`; without a label that has a target nothing is asked."""
    wanted = {label.code: label.target for label in labels.entities if label.target}
    inquiry = _Inquiry(reviewed, tuple(languages), commands, find_best)
    if "share" in asked and wanted:
        cells = [_Cell(code, None, target) for code, target in wanted.items()]
        yield inquiry.ask("coverage.share", "Has every label its target?", cells, asked["share"])
    if "share_per_language" in asked and wanted:
        cells = [_Cell(code, language, target) for code, target in wanted.items() for language in inquiry.languages]
        question = "Has every label enough in every language?"
        yield inquiry.ask("coverage.share_per_language", question, cells, asked["share_per_language"])


@dataclass(frozen=True, slots=True)
class _Inquiry:
    reviewed: Best
    languages: tuple[str, ...]
    commands: Commands
    find_best: Callable[[], Best]

    def ask(self, name: str, question: str, cells: Sequence[_Cell], bound: float) -> Criterion:
        """The criterion over cells: the lowest share counts."""
        if not cells:
            mend = self.commands.on_workspace("goldspan studio pull")
            return Criterion(name, question, None, bound, True, "nothing is reviewed", mend)
        shares = {cell: cell.measure(self.reviewed, self.languages) for cell in cells}
        short = sorted((cell for cell in shares if shares[cell] < bound), key=lambda cell: (shares[cell], cell.name))
        detail = ", ".join(f"{cell.name} {shares[cell]:.0%}" for cell in short[:5])
        if len(short) > 5:
            detail += f" and {len(short) - 5} more"
        advice, mend = self._advise(short, bound) if short else ("", "")
        return Criterion(name, question, min(shares.values()), bound, True, detail + advice, mend)

    def _advise(self, short: Iterable[_Cell], bound: float) -> tuple[str, str]:
        """What to add to the detail, and the command: to write what is nowhere, else to review what is predicted."""
        best = self.find_best()
        languages = {language for _, language in best} | set(self.languages)
        unwritten = [cell for cell in short if cell.measure(best, languages) < bound]
        if not unwritten:
            return "; predictions hold enough, what is missing is review", self.commands.on_workspace(
                "goldspan studio push"
            )
        places = {cell.language for cell in unwritten}
        return "", self.commands.fill_gaps(languages if None in places else (place for place in places if place))
