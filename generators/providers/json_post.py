"""Posts JSON to one address over aiohttp: the path of every live request, so nothing stands between it and the socket.

The rules are those of `goldspan.generators.providers.http`: no redirects, no proxy for this machine, answers bounded in
size and time. Cookies are not kept.
"""

from __future__ import annotations

import asyncio
import math
import zlib
from typing import NamedTuple
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

import aiohttp
import httpx2

from goldspan.annotation.answers import AnswerMeter, compute_wait
from goldspan.annotation.errors import ConfigurationError
from goldspan.annotation.origins import is_loopback
from goldspan.annotation.wording import describe_error
from goldspan.generators.providers.http import MAX_ANSWER, Decompressor

_TIMEOUT = 600.0
"""Seconds of silence after which an answer is given up."""
_CONNECT_TIMEOUT = 10.0


class PostReply(NamedTuple):
    """Status, headers (names in lower case) and decompressed body of an answer."""

    status: int
    headers: dict[str, str]
    body: bytes


class PostError(Exception):
    """No answer, or none that can be used; stays inside the client."""


class PostDamagedError(PostError):
    """The body of an answer cannot be decompressed."""


class JsonPoster:
    """Connections to one address; belongs to the event loop that it is made in."""

    def __init__(self, address: str, headers: dict[str, str], connections: int) -> None:
        is_secure = urlsplit(address).scheme == "https"
        is_near = is_loopback(address)
        self._address, self._proxy = address, None if is_near else find_proxy(address)
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(
                limit=connections, ssl=httpx2.create_ssl_context(trust_env=not is_near) if is_secure else True
            ),
            headers={**headers, "Content-Type": "application/json", "Accept-Encoding": "gzip, deflate"},
            cookie_jar=aiohttp.DummyCookieJar(),
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=_CONNECT_TIMEOUT, sock_read=_TIMEOUT),
            auto_decompress=False,
        )

    async def close(self) -> None:
        """Close all connections."""
        await self._session.close()

    async def post(self, content: bytes, headers: dict[str, str]) -> PostReply:
        """Send JSON and read the whole answer, whatever its status.

        Raises:
            PostError: the connection failed, the answer is malformed, too slow or damaged.
            AnswerLimitError: the answer is larger than `MAX_ANSWER` bytes.
        """
        seconds = compute_wait(_TIMEOUT, len(content))
        try:
            async with asyncio.timeout(seconds):
                return await self._post(content, headers)
        except aiohttp.SocketTimeoutError as error:
            raise PostError(str(error) or "the connection timed out") from None
        except TimeoutError:
            raise PostError(f"no whole answer in {seconds:,.0f} s") from None
        except (aiohttp.ClientError, OSError, ValueError) as error:
            raise PostError(describe_error(error)) from None

    async def _post(self, content: bytes, headers: dict[str, str]) -> PostReply:
        async with self._session.post(
            self._address, data=content, headers=headers, allow_redirects=False, proxy=self._proxy
        ) as answer:
            found = {name.lower(): value for name, value in answer.headers.items()}
            decompressor, meter = Decompressor(found.get("content-encoding", "")), AnswerMeter(math.inf, MAX_ANSWER)
            pieces: list[bytes] = []
            try:
                async for chunk in answer.content.iter_any():
                    for piece in decompressor.feed(chunk):
                        meter.add(len(piece))
                        pieces.append(piece)
            except zlib.error:
                raise PostDamagedError("its compression is damaged") from None
            return PostReply(answer.status, found, b"".join(pieces))


def find_proxy(address: str) -> str | None:
    """The proxy that the environment names for an address; None where it names none or exempts the host.

    Raises:
        ConfigurationError: it is no HTTP proxy.
    """
    parts, proxies = urlsplit(address), getproxies()
    proxy = proxies.get(parts.scheme) or proxies.get("all")
    if not proxy or proxy_bypass(parts.netloc):
        return None
    proxy = proxy if "://" in proxy else f"http://{proxy}"
    if not proxy.startswith(("http://", "https://")):
        raise ConfigurationError(
            f"The proxy for {parts.hostname} speaks {proxy.partition(':')[0]}, which is not supported. Set "
            f"{parts.scheme.upper()}_PROXY to an http:// address, or name the host in NO_PROXY."
        )
    return proxy
