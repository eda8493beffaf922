"""A small OpenAI-compatible server in a process of its own: chat completions and a count of them.

    python tests/generators/compatible_server.py PORT_FILE [--latency S] [--refuse-schema] [--throttle N]

`GET /asked` gives how often each Idempotency-Key was asked.
"""

from __future__ import annotations

import argparse
import asyncio
from collections import Counter
from pathlib import Path

from aiohttp import web

from tests.generators.scripted import write_content


def make_app(options: argparse.Namespace) -> web.Application:
    asked: Counter[str] = Counter()
    throttled = 0

    async def answer(request: web.Request) -> web.Response:
        nonlocal throttled
        body = await request.json()
        form = (body.get("response_format") or {}).get("type")
        if options.refuse_schema and form == "json_schema":
            return web.json_response({"error": {"message": "response_format json_schema is not supported"}}, status=400)
        if throttled < options.throttle:
            throttled += 1
            return web.json_response({"error": {"message": "slow down"}}, status=429, headers={"Retry-After": "0.2"})
        asked[request.headers.get("Idempotency-Key", "")] += 1
        await asyncio.sleep(options.latency)
        text = write_content(body)
        choice = {"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": "stop"}
        usage = {"prompt_tokens": 100, "completion_tokens": 50, "total_tokens": 150}
        reply = {"id": "c", "object": "chat.completion", "created": 0, "model": body["model"], "choices": [choice]}
        return web.json_response({**reply, "usage": usage})

    async def list_asked(_: web.Request) -> web.Response:
        return web.json_response(asked)

    app = web.Application(client_max_size=1 << 26)
    app.router.add_post("/v1/chat/completions", answer)
    app.router.add_get("/asked", list_asked)
    return app


async def serve(options: argparse.Namespace) -> None:
    runner = web.AppRunner(make_app(options), access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0, backlog=1024)
    await site.start()
    port = runner.addresses[0][1]
    temporary = options.port_file.with_suffix(".tmp")
    temporary.write_text(str(port))
    temporary.rename(options.port_file)
    await asyncio.Event().wait()


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("port_file", type=Path)
    parser.add_argument("--latency", type=float, default=0.0)
    parser.add_argument("--throttle", type=int, default=0)
    parser.add_argument("--refuse-schema", action="store_true")
    asyncio.run(serve(parser.parse_args()))


if __name__ == "__main__":
    main()
