"""Novelty of drafts while a run generates: a draft that repeats what the project has is asked again, differently.

A draft is measured against the samples of the workspace and the accepted drafts of the run
(`goldspan.annotation.corpus.novelty`). One that is not new enough counts as an attempt; the next one has the same
values with another direction and another example. The last attempt is accepted as it is, and its measure stands on the
sample.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from goldspan.annotation.labels.schema import LabelSchema
from goldspan.annotation.tasks.store import read_samples
from goldspan.annotation.tasks.workspace import Workspace
from goldspan.annotation.types import Entity
from goldspan.generators.journal.journal import Journal
from goldspan.generators.stages.answers import AnswerVerdict
from goldspan.generators.stages.context import read_tagged

if TYPE_CHECKING:
    from goldspan.annotation.corpus.novelty import NoveltyIndex

REPEATED = "repeated"
_REASON = (
    "The document repeats earlier ones: write another one, with another course of events, another structure and other "
    "sentences."
)


def _make_index() -> NoveltyIndex:
    from goldspan.annotation.corpus.novelty import NoveltyIndex

    return NoveltyIndex()


@dataclass(slots=True)
class NoveltyCheck:
    """Judges accepted drafts; `prepare` reads what is known.

    `least` is the share of new phrases (0 to 1) that a draft must have; `files` are samples that are known, `texts`
    are others without annotation.
    """

    journal: Journal
    labels: LabelSchema
    least: float
    files: Sequence[Path] = ()
    texts: Sequence[str] = ()
    _index: NoveltyIndex = field(default_factory=_make_index, init=False)

    def judge(self, verdict: AnswerVerdict, *, is_final: bool) -> AnswerVerdict:
        """The verdict on a draft that is right: `repeated`, or accepted with its measure in the result."""
        if verdict.result is None:
            return verdict
        tagged = read_tagged(verdict.result["tagged_text"], self.labels)
        novelty = self._index.measure(tagged.text, tagged.entities)
        if not (novelty.is_enough(self.least) or is_final):
            return AnswerVerdict(REPEATED, _REASON)
        self._index.add(tagged.text, tagged.entities)
        return AnswerVerdict(verdict.state, result={**verdict.result, "novelty": round(novelty.share, 3)})

    async def prepare(self) -> None:
        """Read what is known: the files in a thread, so that a run can be stopped meanwhile."""
        await asyncio.to_thread(self._index.add_many, self._iter_known())
        self._index.add_many(self._iter_drafts())

    def _iter_known(self) -> Iterator[tuple[str, Sequence[Entity]]]:
        for sample in read_samples(list(self.files), self.labels, on_error=lambda error: None, tolerant=True):
            yield sample.text, sample.best.entities if sample.best else ()
        for text in self.texts:
            yield text, ()

    def _iter_drafts(self) -> Iterator[tuple[str, Sequence[Entity]]]:
        for result in self.journal.iter_results("draft"):
            tagged = read_tagged(result["tagged_text"], self.labels)
            yield tagged.text, tagged.entities


def list_known_files(workspace: Workspace, output: Path) -> tuple[Path, ...]:
    """The files of samples of a workspace without `output`, which the run itself writes."""
    folders = (workspace.training_samples, workspace.annotation_samples)
    files = (file for folder in folders if folder.is_dir() for file in folder.glob("*.json*"))
    return tuple(sorted(file for file in files if file != output))


def describe_novelty(result: dict[str, Any], repeated: int) -> dict[str, Any]:
    """What a sample's provenance says of its novelty; empty if it was not measured."""
    if "novelty" not in result:
        return {}
    return {"novelty": {"new_phrases": result["novelty"], "asked_again": repeated}}
