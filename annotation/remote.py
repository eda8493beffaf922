"""Addresses with a scheme (`s3://…`, `hf://…`) as fsspec file systems."""

from __future__ import annotations

import importlib.util
import os
from typing import Any
from urllib.parse import urlsplit

from goldspan.annotation.errors import ConfigurationError, InputError


def open_remote(address: str) -> tuple[Any, str]:
    """The fsspec file system of an address, and the path in it.

    S3 is read with s3fs, or with PyArrow where that is not installed. Keys, region and endpoint come from the
    environment (`AWS_ACCESS_KEY_ID`, `AWS_REGION`, `AWS_ENDPOINT_URL` …).

    Raises:
        ConfigurationError: the library of the scheme is not installed.
        InputError: the address carries a password, is none, or cannot be reached.
    """
    parts = urlsplit(address)
    if "@" in parts.netloc and ":" in parts.netloc.rpartition("@")[0]:
        raise InputError("The address carries a password. Leave it out; the library reads credentials of its own.")
    try:
        if parts.scheme == "s3" and importlib.util.find_spec("s3fs") is None:
            return _open_arrow_s3(), (parts.netloc + parts.path).rstrip("/")
        import fsspec

        files, path = fsspec.core.url_to_fs(address)
    except ImportError as error:
        raise ConfigurationError(f"{address} needs a library that is not installed: {error}.") from None
    except ValueError as error:
        raise InputError(f"{address} is no folder that can be read: {error}.") from None
    except Exception as error:  # noqa: BLE001
        raise InputError(f"{address} cannot be reached ({type(error).__name__}).") from None
    return files, str(path).rstrip("/")


def make_remote_folder(files: Any, path: str) -> None:
    """Make the folder for a file that is about to be written; S3 has none and would get an empty object instead."""
    protocol = files.protocol
    if "s3" not in ((protocol,) if isinstance(protocol, str) else protocol):
        files.makedirs(path, exist_ok=True)


def find_s3_endpoint() -> str:
    """The address of an S3 server that is not Amazon's, as AWS tools read it from the environment; else empty."""
    return os.environ.get("AWS_ENDPOINT_URL_S3") or os.environ.get("AWS_ENDPOINT_URL") or ""


def find_s3_region() -> str:
    """The region that the environment names; else empty."""
    return os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION") or ""


def _open_arrow_s3() -> Any:
    from fsspec.implementations.arrow import ArrowFSWrapper
    from pyarrow.fs import S3FileSystem

    settings = {"endpoint_override": find_s3_endpoint(), "region": find_s3_region()}
    given = {name: value for name, value in settings.items() if value}
    return ArrowFSWrapper(S3FileSystem(allow_delayed_open=True, **given))
