"""A masking server built as most are: one torch model in the web process, texts cut at 512 tokens.

    python benchmarks/seed_server.py MODEL_DIR/trained sequential|to_thread

`sequential` computes inside the coroutine, so that everything waits; `to_thread` in worker threads. It prints its
address and serves until it is stopped. `benchmarks/serving.py` starts it for comparison.
"""

from __future__ import annotations

import asyncio
import socket
import sys
from typing import Any

import torch
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route
from transformers import AutoModelForTokenClassification, PreTrainedTokenizerFast

MAX_TOKENS = 512


class TorchMasker:
    """Finds entities by the likeliest tag of each token, touching pieces of a label merged, and writes `[LABEL]`."""

    def __init__(self, folder: str) -> None:
        self._tokenizer = PreTrainedTokenizerFast(tokenizer_file=f"{folder}/tokenizer.json")
        self._model: Any = AutoModelForTokenClassification.from_pretrained(folder).eval()
        self._tags = self._model.config.id2label

    def mask(self, text: str) -> str:
        """The text with placeholders; what lies beyond the limit stays as it is."""
        encoded = self._tokenizer(text, return_tensors="pt", return_offsets_mapping=True)
        offsets = encoded.pop("offset_mapping")[0].tolist()[:MAX_TOKENS]
        with torch.no_grad():
            logits = self._model(input_ids=encoded["input_ids"][:, :MAX_TOKENS]).logits[0]
        spans: list[list[Any]] = []
        for (start, end), tag in zip(offsets, logits.argmax(-1).tolist(), strict=True):
            label = self._tags[tag].rpartition("-")[2]
            if label == "O" or start == end:
                continue
            if spans and spans[-1][2] == label and start - spans[-1][1] <= 2:
                spans[-1][1] = end
            else:
                spans.append([start, end, label])
        for start, end, label in reversed(spans):
            text = f"{text[:start]}[{label}]{text[end:]}"
        return text


def make_app(masker: TorchMasker, mode: str) -> Starlette:
    """`/v1/mask` and `/health`."""

    async def mask(request: Request) -> JSONResponse:
        text = (await request.json())["text"]
        masked = masker.mask(text) if mode == "sequential" else await asyncio.to_thread(masker.mask, text)
        return JSONResponse({"masked_text": masked})

    async def health(request: Request) -> JSONResponse:
        return JSONResponse({"status": "healthy"})

    return Starlette(routes=[Route("/v1/mask", mask, methods=["POST"]), Route("/health", health)])


def main() -> None:
    """Serve on a free port."""
    masker = TorchMasker(sys.argv[1])
    masker.mask("Warm up, Ann Smith.")
    listener = socket.create_server(("127.0.0.1", 0))
    print(f"http://127.0.0.1:{listener.getsockname()[1]}", file=sys.stderr, flush=True)
    config = uvicorn.Config(make_app(masker, sys.argv[2]), log_level="error", access_log=False)
    asyncio.run(uvicorn.Server(config).serve([listener]))


if __name__ == "__main__":
    main()
