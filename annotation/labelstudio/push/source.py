"""Storages that Label Studio imports tasks from: a folder on its disk, or a bucket."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from goldspan.annotation.errors import ConfigurationError, ServiceError, TransientServiceError
from goldspan.annotation.labelstudio.api.client import StudioClient
from goldspan.annotation.labelstudio.api.progress import Progress
from goldspan.annotation.origins import require_private_channel
from goldspan.annotation.remote import find_s3_endpoint, find_s3_region
from goldspan.annotation.wording import format_count

_TITLE = "Goldspan"
_KEYS = ("aws_access_key_id", "aws_secret_access_key", "aws_session_token")
_PATIENCE = 180.0
"""Seconds to wait for a server that does not answer while it reads, or that reads no further task."""
_PAUSE = 2.0


@dataclass(frozen=True, slots=True)
class StorageSource:
    """`kind` is Label Studio's name for it, `place` tells two of a kind apart, `access` is how it is reached."""

    kind: str
    place: Mapping[str, str]
    access: Mapping[str, str] = field(default_factory=dict, repr=False)


def find_source(target: str | Path, server: str, *, send_keys: bool = False) -> StorageSource | None:
    """The storage for a target; None for an address that has to be added in the project's settings by hand.

    Args:
        target: a folder on the server's disk, or an address.
        server: Label Studio's address.
        send_keys: give the server the AWS keys, endpoint and region of this environment; without, it uses its own.

    Raises:
        ConfigurationError: keys are wanted and there are none, or they would be sent in clear.
    """
    if isinstance(target, Path):
        return StorageSource("localfiles", {"path": str(target.resolve())})
    parts = urlsplit(target)
    if parts.scheme != "s3":
        return None
    access: dict[str, str] = {}
    if send_keys:
        require_private_channel(server, "The key of the storage")
        access = {name: os.environ.get(name.upper(), "") for name in _KEYS}
        if not (access["aws_access_key_id"] and access["aws_secret_access_key"]):
            raise ConfigurationError("There are no keys to send: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY.")
        access |= {"s3_endpoint": find_s3_endpoint(), "region_name": find_s3_region()}
    prefix = parts.path.strip("/")
    place = {"bucket": parts.netloc, "prefix": f"{prefix}/" if prefix else ""}
    return StorageSource("s3", place, {name: value for name, value in access.items() if value})


def import_source(client: StudioClient, project: int, source: StorageSource, expected: int, progress: Progress) -> int:
    """Connect the storage to the project, if it is not, and let Label Studio read what is new; the tasks that arrived.

    Raises:
        ServiceError: fewer than expected arrived, or the server cannot read the storage.
    """
    known = [one for one in client.list_storages(source.kind, project) if _is_at(one, source)]
    if not expected and not known:
        return 0
    progress("importing files", 0, 0)
    before = client.count_tasks(project)
    storage = (
        known[0] if known else client.create_storage(source.kind, project, _TITLE, {**source.place, **source.access})
    )
    try:
        client.sync_storage(source.kind, storage["id"])
    except TransientServiceError:
        client.wait_until_up(_PATIENCE)
        _wait_for_tasks(client, project, before, expected, progress)
    arrived = client.count_tasks(project) - before
    if arrived < expected:
        where = "/".join(source.place.values())
        raise ServiceError(
            f"Label Studio read {arrived} of {format_count(expected, 'task')} from {where}. Look at the storage in "
            "the project's "
            "settings under Cloud Storage, then push again."
        )
    return arrived


def _is_at(storage: Mapping[str, object], source: StorageSource) -> bool:
    return all((storage.get(name) or "") == value for name, value in source.place.items())


def _wait_for_tasks(client: StudioClient, project: int, before: int, expected: int, progress: Progress) -> None:
    """Wait while the server is still reading after the request timed out."""
    arrived, changed = 0, time.monotonic()
    while arrived < expected and time.monotonic() - changed < _PATIENCE:
        time.sleep(_PAUSE)
        now = client.count_tasks(project) - before
        if now > arrived:
            arrived, changed = now, time.monotonic()
            progress("importing files", arrived, expected)
