"""Completions through autobatcher, in an environment of its own: `python autobatcher_calls.py URL MODE ROWS`.

MODE is `batch`, `flex` or `flex-cancel`. Prints JSON.
"""

from __future__ import annotations

import asyncio
import json
import sys

from autobatcher import BatchOpenAI


async def ask(client: BatchOpenAI, number: int) -> str:
    messages = [{"role": "user", "content": f"Question {number}"}]
    answer = await client.chat.completions.create(model="any", messages=messages)
    return answer.choices[0].message.content


async def count_polls(client: BatchOpenAI, url: str) -> int:
    stats = await client.get(f"{url.removesuffix('/v1')}/_simulate/stats", cast_to=object)
    return stats["calls"].get("get", 0)


async def main(url: str, mode: str, count: int) -> None:
    client = BatchOpenAI(
        base_url=url,
        api_key="any",
        batch_size=5,
        batch_window_seconds=0.2,
        poll_interval_seconds=0.1,
        completion_window="24h" if mode == "batch" else None,
    )
    tasks = [asyncio.create_task(ask(client, number)) for number in range(count)]
    if mode == "flex-cancel":
        while not await count_polls(client, url):
            await asyncio.sleep(0.05)
        for task in tasks:
            task.cancel()
    answers = await asyncio.gather(*tasks, return_exceptions=True)
    await client.close()
    answered = [answer for answer in answers if isinstance(answer, str) and answer]
    others = sorted({type(answer).__name__ for answer in answers if not isinstance(answer, str)})
    sys.stdout.write(json.dumps({"answered": len(answered), "errors": others}) + "\n")


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2], int(sys.argv[3])))
