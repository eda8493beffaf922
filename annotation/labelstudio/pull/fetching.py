"""Texts of tasks that only hold an address (`valueType="url"`)."""

from __future__ import annotations

import io
from collections.abc import Sequence
from urllib.parse import urljoin, urlsplit

from goldspan.annotation.answers import AnswerLimitError, iter_limited, limit_wait
from goldspan.annotation.errors import ConfigurationError, RecordError, ServiceError
from goldspan.annotation.labelstudio.api.client import StudioClient
from goldspan.annotation.origins import choose_trust, read_origin

MAX_BYTES = 16 * 1024 * 1024
"""Largest text that is fetched."""


class TextFetcher:
    """Reads texts from the Label Studio itself, with its token, and from the hosts that an adoption allows, without."""

    def __init__(self, client: StudioClient, hosts: Sequence[str] = ()) -> None:
        self._client, self._hosts = client, frozenset(host.lower() for host in hosts)

    def __call__(self, address: str) -> str:
        """The text at an address, relative ones being the Label Studio's.

        Raises:
            RecordError: the host is not allowed, or the content is too long or not UTF-8.
            ServiceError: it cannot be read.
        """
        full = urljoin(self._client.url, address)
        try:
            origin = read_origin(full)
        except ConfigurationError as error:
            raise RecordError(str(error)) from None
        if origin == read_origin(self._client.url):
            content = self._read_own(full)
        elif (urlsplit(full).hostname or "") in self._hosts:
            content = _read_foreign(full)
        else:
            host = urlsplit(full).hostname
            raise RecordError(f"it lies at {host}; allow that host with `goldspan studio adopt … --host {host}`")
        try:
            return content.decode()
        except UnicodeDecodeError as error:
            raise RecordError(f"it is not UTF-8 (byte {error.start})") from None

    def _read_own(self, address: str) -> bytes:
        buffer = _Limited()
        self._client.download(address.removeprefix(self._client.url), buffer)
        return buffer.getvalue()


class _Limited(io.BytesIO):
    def write(self, data: bytes) -> int:  # type: ignore[override]
        if self.tell() + len(data) > MAX_BYTES:
            raise RecordError(f"it is larger than {MAX_BYTES >> 20} MiB")
        return super().write(data)


def _read_foreign(address: str) -> bytes:
    import httpx

    buffer = _Limited()
    try:
        with httpx.Client(timeout=30, follow_redirects=False, **choose_trust(address)) as client:
            request = client.build_request("GET", address)
            with limit_wait(request):
                response = client.send(request, stream=True)
            if response.status_code != httpx.codes.OK:
                raise ServiceError(f"status {response.status_code}")
            for chunk in iter_limited(response):
                buffer.write(chunk)
    except AnswerLimitError as error:
        raise ServiceError(str(error)) from None
    except httpx.HTTPError as error:
        raise ServiceError(f"the connection failed ({type(error).__name__})") from None
    return buffer.getvalue()
