"""Client of the files and batches API: the only module of the batch executor that uses the openai client."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Awaitable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal, cast

from goldspan.annotation.errors import ServiceError, TerminalServiceError, TransientServiceError
from goldspan.annotation.redaction import redact
from goldspan.generators.providers.batch.lines import join_lines
from goldspan.generators.providers.batch.replies import (
    ForeignReplyError,
    RemoteBatch,
    read_batch,
    translate_error,
)
from goldspan.generators.providers.fields import as_mapping, read_text
from goldspan.generators.providers.parsing import load_document, read_error
from goldspan.generators.providers.profiles import ProviderProfile

if TYPE_CHECKING:
    from openai._legacy_response import LegacyAPIResponse

INTENT_KEY = "goldspan_intent"
_ENDPOINT: Final = "/v1/chat/completions"
_PAGE = 100
_RETRIES = 4
_CONNECTIONS = 32
_TIMEOUT, _CONNECT_TIMEOUT = 600.0, 10.0
_AMBIGUOUS = frozenset({408, 409, 499})


class BatchApi:
    """The calls that the batch executor makes.

    All methods raise TransientServiceError (may work later) or TerminalServiceError (will not: refused, or whoever
    answers at this address does not speak the batch API).
    """

    def __init__(self, profile: ProviderProfile, base_url: str, api_key: str) -> None:
        import httpx2
        import openai

        from goldspan.generators.providers.http import make_http_client

        self.profile = profile
        limits = httpx2.Limits(max_connections=_CONNECTIONS, max_keepalive_connections=_CONNECTIONS)
        http_client = make_http_client(base_url, limits, httpx2.Timeout(_TIMEOUT, connect=_CONNECT_TIMEOUT))
        self._client = openai.AsyncOpenAI(
            base_url=base_url, api_key=api_key, max_retries=_RETRIES, http_client=http_client
        )
        self._address = base_url
        self._has_succeeded = False
        self._last_failure = ""
        self._looks: dict[str, bool] = {}

    async def close(self) -> None:
        """Close the connections."""
        await self._client.close()

    def require_contact(self) -> None:
        """Raise TransientServiceError when no batch could be looked at or, without batches, no call succeeded."""
        has_contact = any(self._looks.values()) if self._looks else self._has_succeeded
        if self._last_failure and not has_contact:
            raise TransientServiceError(
                f"Nothing could be learnt from {self._address}. {self._last_failure.rstrip('.')}. "
                "Everything is kept: `goldspan generate resume` goes on."
            )

    def note_look(self, intent: str, error: ServiceError | None = None) -> None:
        """Remember for `require_contact` whether the last look at the batch of `intent` got an answer."""
        self._looks[intent] = error is None
        if error:
            self._last_failure = str(error)

    async def upload(self, path: Path, name: str) -> str:
        """Upload a file of requests, read as it is sent; returns its id. Sent again if need be: an upload is free."""
        doing = "upload the requests"
        with path.open("rb") as source:
            document = await self._ask(
                doing,
                self._client.files.with_raw_response.create(file=(name, source, "application/jsonl"), purpose="batch"),
            )
        return self._require_id(doing, document)

    async def has_file(self, file_id: str) -> bool:
        """True if the provider still has an uploaded file."""
        doing = "retrieve the uploaded file"
        try:
            document = await self._ask(doing, self._client.files.with_raw_response.retrieve(file_id))
        except TerminalServiceError as error:
            if error.status != 404:
                raise
            return False
        return bool(self._require_id(doing, document))

    async def create(self, file_id: str, window: str, intent: str, metadata: Mapping[str, str]) -> RemoteBatch | None:
        """Create a batch: one call, never repeated here. None when it is unknown whether it was created.

        That is so after a lost reply, and after one that does not describe a batch. The client types windows as 24h
        alone; it sends any.
        """
        import openai

        once = self._client.with_options(max_retries=0)
        try:
            reply = await once.batches.with_raw_response.create(
                input_file_id=file_id,
                endpoint=_ENDPOINT,
                completion_window=cast("Literal['24h']", window),
                metadata={**metadata, INTENT_KEY: intent},
                extra_headers={"Idempotency-Key": intent},
            )
        except openai.APIConnectionError:
            return None
        except openai.APIStatusError as error:
            if not 400 <= error.status_code < 500 or error.status_code in _AMBIGUOUS:
                return None
            raise translate_error(error, "create the batch", self._client.api_key, self._address) from error
        self._has_succeeded = True
        return read_batch(load_document(reply.content))

    async def retrieve(self, batch_id: str) -> RemoteBatch:
        """Retrieve a batch."""
        doing = "retrieve the batch"
        return self._require_batch(
            doing, await self._ask(doing, self._client.batches.with_raw_response.retrieve(batch_id))
        )

    async def cancel(self, batch_id: str) -> None:
        """Cancel a batch; one that has ended already is left as it is."""
        import openai

        doing = "cancel the batch"
        with (
            self._translate(doing),
            contextlib.suppress(openai.BadRequestError, openai.NotFoundError, openai.ConflictError),
        ):
            reply = await self._client.batches.with_raw_response.cancel(batch_id)
            self._require_batch(doing, load_document(reply.content))

    async def retry(self, batch_id: str) -> None:
        """Have the failed and cancelled rows of a batch run again in place.

        Whether any do, only the batch tells: the provider may say that there are none because a call whose reply was
        lost has put them back already.
        """
        import httpx2

        try:
            with self._translate("retry the batch"):
                await self._client.post(f"/batches/{batch_id}/retry", cast_to=httpx2.Response)
        except TerminalServiceError as error:
            if error.status not in {400, 404}:
                raise

    async def find_newest_id(self) -> str:
        """The id of the newest batch; empty if there is none or the provider does not say."""
        with contextlib.suppress(ServiceError):
            async for batch in self.list_newest("", limit=1):
                return batch.id
        return ""

    async def list_newest(self, search: str, until: str = "", limit: int = _PAGE) -> AsyncIterator[RemoteBatch]:
        """Batches, page by page, in the provider's order; `search` narrows where the list can.

        A list that is newest first, by its times, ends with the page that holds the batch `until`.
        """
        doing = "list the batches"
        query = {"search": search} if self.profile.list_supports_search else {}
        after, seen = "", dict[str, float]()
        while True:
            page = await self._list_page(doing, query | ({"after": after} if after else {}), limit)
            if not isinstance(page, Mapping) or not isinstance(page.get("data", ""), list | None):
                raise self._describe_misfit(doing, "list", page)
            entries = [entry for entry in page["data"] or [] if entry]
            found = [batch for entry in entries if (batch := read_batch(entry))]
            if len(found) < sum(isinstance(entry, Mapping) for entry in entries) or (entries and not found):
                raise self._describe_misfit(doing, "batch with id and status")
            fresh = [batch for batch in found if batch.id not in seen]
            for batch in fresh:
                yield batch
            seen |= {batch.id: batch.created_at for batch in fresh}
            times = list(seen.values())
            is_over = until in seen and times[0] > times[-1]
            if not fresh or page.get("has_more") is False or is_over:
                return
            after = fresh[-1].id

    async def _list_page(self, doing: str, query: dict[str, str], limit: int) -> Any:
        """One page of the list; of the server's own size where it refuses ours."""
        batches = self._client.batches.with_raw_response
        try:
            return await self._ask(doing, batches.list(limit=limit, extra_query=query))
        except TerminalServiceError as error:
            if error.status not in {400, 422}:
                raise
        return await self._ask(doing, batches.list(extra_query=query))

    async def iter_lines(self, file_id: str, skip: int = 0) -> AsyncIterator[bytes]:
        """The lines of a file as received, without their ends, from line `skip` on; memory stays flat."""
        query = {"skip": str(skip)} if skip else {}
        with self._translate("read the answers"):
            stream = self._client.files.with_streaming_response.content(file_id, extra_query=query)
            async with stream as response:
                async for line in join_lines(response.iter_bytes()):
                    yield line

    async def estimate(self, file_id: str, window: str) -> dict[str, Any]:
        """What the provider thinks a file will cost; `total_estimated_cost` is a decimal as a string."""
        import httpx2

        with self._translate("ask for an estimate"):
            reply = await self._client.get(
                f"/files/{file_id}/cost-estimate",
                cast_to=httpx2.Response,
                options={"params": {"completion_window": window}},
            )
        return dict(as_mapping(load_document(reply.content)))

    async def _ask(self, doing: str, call: Awaitable[LegacyAPIResponse[Any]]) -> Any:
        """The document that the provider answers with; None when it is not JSON."""
        with self._translate(doing):
            reply = await call
        return load_document(reply.content)

    def _require_id(self, doing: str, document: Any) -> str:
        found = read_text(as_mapping(document), "id")
        if not found:
            raise self._describe_misfit(doing, "id", document)
        return found

    def _require_batch(self, doing: str, document: Any) -> RemoteBatch:
        batch = read_batch(document)
        if batch is None:
            raise self._describe_misfit(doing, "batch with id and status", document)
        return batch

    def describe_foreign_file(self) -> ForeignReplyError:
        """The error for an output file whose lines concern no row."""
        return self._describe_misfit("read the answers", "line about a row")

    def _describe_misfit(self, doing: str, missing: str, document: Any = None) -> ForeignReplyError:
        """The error for an answer that is something else; it repeats the error that the server sent in its place."""
        said = as_mapping(document).get("error")
        what = f"holds no {missing}"
        if said:
            what = f"is an error: {redact(': '.join(read_error(said)), [self._client.api_key]).rstrip('.')}"
        return ForeignReplyError(
            f"{self._address} does not speak the batch API: its answer when asked to {doing} {what}. "
            "Check --api-url, then resume: nothing is lost. `goldspan generate cancel --abandon` gives up the batch."
        )

    @contextlib.contextmanager
    def _translate(self, doing: str) -> Iterator[None]:
        """Errors of the client as ours; notes whether anything came of the call."""
        import httpx2
        import openai

        try:
            yield
        except openai.OpenAIError as error:
            ours = translate_error(error, doing, self._client.api_key, self._address)
            self._last_failure = str(ours)
            raise ours from error
        except httpx2.HTTPError as error:
            self._last_failure = f"The connection broke while trying to {doing}: {error}."
            raise TransientServiceError(self._last_failure) from error
        self._has_succeeded = True
