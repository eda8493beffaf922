"""Where samples of the masking page go: a file of the workspace, and a task in Label Studio where it is connected."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from goldspan.annotation.errors import ConfigurationError, GoldspanError
from goldspan.annotation.labels.schema import LabelSchema
from goldspan.annotation.labelstudio.push.public import push_async
from goldspan.annotation.labelstudio.push.report import PushOptions, PushReport
from goldspan.annotation.tasks.store import read_samples, write_samples
from goldspan.annotation.tasks.workspace import Workspace
from goldspan.annotation.types import Sample

FILE = "masking-page.jsonl"
_PATIENCE = 10.0
"""Seconds to wait for a Label Studio that does not answer; the sample is on disk already."""


def make_sample_sink(
    workspace: Workspace, schema: LabelSchema, push: Callable[..., Awaitable[PushReport]] = push_async
) -> Callable[[Sample], Awaitable[str]]:
    """Keep each sample in one file of the workspace, and push it to the workspace's project.

    The sentence that comes back says where the sample is: a task, or the file and the command that pushes it.
    """
    target = workspace.annotation_samples / FILE
    turn = asyncio.Lock()

    def append(sample: Sample) -> int:
        known = list(read_samples([target], schema)) if target.exists() else []
        others = [one for one in known if one.text != sample.text]
        return write_samples(target, [*others, sample], schema)

    async def keep(sample: Sample) -> str:
        async with turn:
            number = await asyncio.to_thread(append, sample)
            saved = f"Saved as sample {number} of {target.name}."
            try:
                report = await push([sample], data=workspace.root, options=PushOptions("", patience=_PATIENCE))
            except ConfigurationError:
                return f"{saved} Next: goldspan studio push {target}"
            except GoldspanError as error:
                return f"{saved} Label Studio did not take it ({type(error).__name__}): goldspan studio push {target}"
        if report.refused:
            return f"{saved} Label Studio refused it: {report.refused[0].reason}"
        return (
            f"A task in the project {report.title} of Label Studio."
            if report.created
            else (f"The project {report.title} of Label Studio has this text already; its task has the new annotation.")
        )

    return keep
