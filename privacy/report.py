"""Report for a data-protection officer: what is stored where, how old it is, and who can read it. No text is in it."""

from __future__ import annotations

import getpass
import pwd
import stat
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson

from goldspan.annotation.labelstudio.api.credentials import load_account
from goldspan.annotation.labelstudio.server.database import describe_database
from goldspan.annotation.labelstudio.server.folder import read_record
from goldspan.annotation.tasks.workspace import Workspace, find_workspace_project, open_workspace
from goldspan.annotation.tombstones import FOLDER
from goldspan.annotation.uploads import list_uploads
from goldspan.annotation.wording import format_count
from goldspan.privacy.erase import HISTORY
from goldspan.privacy.registry import STORES, list_unknown
from goldspan.privacy.stores.base import Place, iter_files
from goldspan.privacy.stores.runs import list_runs
from goldspan.privacy.stores.uploads import list_batches
from goldspan.training.bundle.withdrawal import read_withdrawn


def report_privacy(data: str | Path | None = None) -> dict[str, Any]:
    """The report as JSON: stores with files, bytes, age and widest mode; access; retention; erasures.

    Raises:
        InputError: there is no such workspace.
        StateError: a record of the workspace cannot be read.
    """
    workspace = open_workspace(data)
    place = Place(workspace)
    project = find_workspace_project(workspace)
    stores = [
        {"store": store.name, "holds": store.holds, "may_hold_texts": store.texts, **_measure(store.list_files(place))}
        for store in STORES
    ]
    unknown = [file for path in list_unknown(workspace) for file in iter_files(path)]
    stores.append({"store": "unknown", "holds": "files of no store", "may_hold_texts": True, **_measure(unknown)})
    return {
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "user": getpass.getuser(),
        "project": project.name if project else "",
        "workspace": str(workspace.root.absolute()),
        "retention": {"raw_answers_days": project.raw_answers_days if project else None},
        "stores": [store for store in stores if store["files"]],
        "access": _describe_access(workspace, stores),
        "label_studio": _describe_studio(workspace),
        "uploads": _list_uploads(workspace),
        "withdrawn_bundles": list(read_withdrawn(workspace.root).values()),
        "erasures": _read_history(workspace),
    }


def render_report(report: dict[str, Any]) -> str:
    """The report as Markdown."""
    days = report["retention"]["raw_answers_days"]
    lines = [
        "# Privacy report",
        "",
        f"Project {report['project'] or 'without a name'}, workspace `{report['workspace']}`, {report['at']}.",
        "",
        "## Where data lies",
        "",
        "| store | holds | texts | files | bytes | oldest | newest | mode | readable by others |",
        "|---|---|---|---:|---:|---|---|---|---|",
    ]
    for store in report["stores"]:
        shown = ("store", "holds", "may_hold_texts", "files", "bytes", "oldest", "newest", "widest_mode", "exposed")
        cells = [_show(store[name]) for name in shown]
        lines.append(f"| {' | '.join(cells)} |")
    lines += ["", "## Who has access", ""]
    lines += [f"- {line}" for line in report["access"]]
    studio = report["label_studio"]
    if studio:
        state = "runs" if studio["running"] else "does not run"
        lines.append(f"- Label Studio at {studio['url']} ({studio['database']}) {state}; its users see every task.")
    lines += ["", "## What left this machine", ""]
    lines += [
        f"- {upload['at']}: {upload['kind']} {upload['service']} {_show(upload['name'])}, "
        f"{format_count(upload['records'], 'record')}"
        + (f"; {upload['erased']} erasures since: delete it there." if upload["erased"] else ".")
        for upload in report["uploads"]
    ] or ["- No upload is recorded."]
    lines += ["", "## Retention and erasures", ""]
    kept = f"{days} days (`goldspan privacy expire`)" if days is not None else "no limit is set"
    lines.append(f"- Raw answers of language models: {kept}.")
    lines.append(
        f"- Erasures so far: {len(report['erasures'])}; withdrawn bundles: {len(report['withdrawn_bundles'])}."
    )
    lines += [
        f"- {entry['at']}: a {entry['kind']}, {format_count(sum(entry['erased'].values()), 'record')}, "
        f"{entry['remains']} places left to people."
        for entry in report["erasures"]
    ]
    return "\n".join(lines) + "\n"


def _measure(files: Iterable[Path]) -> dict[str, Any]:
    count = size = exposed = mode = 0
    times: list[float] = []
    for file in files:
        try:
            status = file.stat()
        except FileNotFoundError:
            continue
        count += 1
        size += status.st_size
        times.append(status.st_mtime)
        mode |= stat.S_IMODE(status.st_mode)
        exposed += bool(status.st_mode & 0o077) and _is_reachable(file.absolute().parent)
    return {
        "files": count,
        "bytes": size,
        "oldest": _show_day(min(times)) if times else None,
        "newest": _show_day(max(times)) if times else None,
        "widest_mode": f"{mode:04o}",
        "exposed": exposed,
    }


def _is_reachable(folder: Path) -> bool:
    """True if other users may enter the folder and every folder above it."""
    return all(place.stat().st_mode & 0o011 for place in (folder, *folder.parents))


def _describe_access(workspace: Workspace, stores: Iterable[dict[str, Any]]) -> list[str]:
    lines = []
    if workspace.root.is_dir():
        status = workspace.root.stat()
        lines.append(f"{_name_user(status.st_uid)} owns the workspace (mode {stat.S_IMODE(status.st_mode):04o}).")
    exposed = sum(store["exposed"] for store in stores)
    others = (
        f"{format_count(exposed, 'file')} can be read by other users of this machine."
        if exposed
        else "No other user can read it."
    )
    lines.append(others)
    lines.append("The administrator of this machine, and whoever reads its backups, can read everything.")
    return lines


def _name_user(number: int) -> str:
    try:
        return pwd.getpwuid(number).pw_name
    except KeyError:
        return f"user {number}"


def _describe_studio(workspace: Workspace) -> dict[str, Any] | None:
    account = load_account(workspace)
    if account is None:
        return None
    database = describe_database(account.database_url)
    return {"url": account.url, "database": database, "running": read_record(workspace) is not None}


def _list_uploads(workspace: Workspace) -> list[dict[str, Any]]:
    """Uploads from their records, and batches from the journals of their runs."""
    recorded = [(upload, len(upload.samples)) for _, upload in list_uploads(workspace.root)]
    known = {(upload.service, upload.name) for upload, _ in recorded}
    for folder in list_runs(workspace):
        recorded += [batch for batch in list_batches(folder) if (batch[0].service, batch[0].name) not in known]
    return [
        {
            "at": upload.at,
            "kind": upload.kind,
            "service": upload.service,
            "name": upload.name,
            "revision": upload.revision,
            "records": count,
            "erased": len(upload.erased),
        }
        for upload, count in sorted(recorded, key=lambda pair: pair[0].at)
    ]


def _read_history(workspace: Workspace) -> list[dict[str, Any]]:
    path = workspace.root / FOLDER / HISTORY
    return [orjson.loads(line) for line in path.read_bytes().splitlines()] if path.is_file() else []


def _show_day(moment: float) -> str:
    return datetime.fromtimestamp(moment, UTC).date().isoformat()


def _show(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value).replace("|", "\\|")
