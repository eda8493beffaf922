"""Delete duplicate tasks and predictions, left by concurrent pushes or a late commit."""

from __future__ import annotations

from collections.abc import Mapping

from goldspan.annotation.labelstudio.api.client import StudioClient
from goldspan.annotation.labelstudio.push.index import ProjectIndex
from goldspan.annotation.labelstudio.push.spool import SpoolEntry


def delete_duplicate_tasks(client: StudioClient, project: int, index: ProjectIndex) -> tuple[int, tuple[str, ...]]:
    """Delete later duplicates without annotations; their number, and the sample ids of those that had to stay.

    The task with the lowest id always stays, so that two concurrent pushes agree.
    """
    suspects = [task for tasks in index.duplicates.values() for task in tasks]
    if not suspects:
        return 0, ()
    include = "id,total_annotations,cancelled_annotations,draft_exists"
    present = {task["id"]: task for task in client.read_tasks(project, suspects, include)}
    worked_on = {
        number
        for number, task in present.items()
        if task["total_annotations"] or task["cancelled_annotations"] or task["draft_exists"]
    }
    idle = sorted(present.keys() - worked_on)
    client.delete_tasks(project, idle)
    kept = tuple(sample_id for sample_id, tasks in index.duplicates.items() if worked_on.intersection(tasks))
    return len(idle), kept


def delete_duplicate_predictions(
    client: StudioClient, project: int, index: ProjectIndex, entries: Mapping[str, SpoolEntry]
) -> int:
    """Delete later predictions of model versions that were pushed and that a task has twice; their number."""
    suspects = {
        found.task: entries[sample_id].versions
        for sample_id, found in index.found.items()
        if found.predictions > len(found.versions)
    }
    removed = 0
    for task in client.read_tasks(project, list(suspects), "id,predictions,model_version"):
        seen: set[str] = set()
        for prediction in sorted(task["predictions"], key=lambda item: int(item["id"])):
            version = prediction["model_version"]
            if version in seen and version in suspects[task["id"]]:
                client.delete_prediction(prediction["id"])
                removed += 1
            seen.add(version)
    return removed
