"""Training and inference on a GPU beside the CPU of the same machine: the same code and data, ratios within one run.

python -m benchmarks.gpu [--documents 800] [--tokens 150000] [--encoder rampart] [--device cuda] [--deadline 330]

Sections, each of which stands alone (one that fails or comes too late is reported as such):

    training     documents a second and strict F1 of the token classifier, in bfloat16 where the device has it
    resume       a run that is interrupted and goes on, beside one that is not
    inference    documents a second, and the share of documents with the same entities
    classifier   the LLM token classifier on a causal model made here: hidden states, frozen head, LoRA, 4-bit
    tuning       LoRA steps on conversations, in 16 and 4 bits, and a resumed run

Times are wall clock after a warm-up, with the device synchronised. `--device cpu` compares the CPU with itself.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")

import torch

from benchmarks.gpu.common import clock, read_documents
from benchmarks.gpu.encoder import compare_inference, compare_resume, compare_training
from benchmarks.gpu.language_model import make_base, measure_classifier, measure_tuning
from goldspan.training.models.device import choose_device
from goldspan.training.models.encoders.catalogue import find_encoder

BEGUN = time.monotonic()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--documents", type=int, default=800)
    parser.add_argument("--file", type=Path)
    parser.add_argument("--tokens", type=int, default=150_000)
    parser.add_argument("--encoder", default="rampart")
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--hidden", type=int, default=768)
    parser.add_argument("--layers", type=int, default=10)
    parser.add_argument("--steps", type=int, default=400)
    parser.add_argument("--deadline", type=float, default=330.0)
    parser.add_argument("--only", default="", help="sections, with commas")
    parser.add_argument("--output", type=Path)
    given = parser.parse_args()
    samples = read_documents(given.file, given.documents)
    cut = len(samples) * 4 // 5
    train, held_out = samples[:cut], samples[cut:]
    encoder = find_encoder(given.encoder)
    devices = [choose_device("cpu"), choose_device(given.device)]
    gpu = torch.cuda.get_device_name() if devices[-1].kind == "cuda" else ""
    report: dict[str, Any] = {
        "torch": torch.__version__, "gpu": gpu, "cpu_threads": torch.get_num_threads(), "documents": len(samples),
        "encoder": given.encoder, "bf16": {d.kind: d.bf16 for d in devices},
    }  # fmt: skip

    def write() -> None:
        text = json.dumps(report, indent=1)
        if given.output:
            given.output.write_text(text, encoding="utf-8")

    base = Path(tempfile.mkdtemp()) / "base"

    def run_llm(work: Callable[[], Any]) -> Any:
        if not base.is_dir():
            sizes = {"steps": given.steps, "hidden": given.hidden, "layers": given.layers}
            with clock(devices[-1]) as timed:
                count = make_base(base, [s.text for s in train], devices[-1], **sizes)
            report["base"] = {"parameters": count, "steps": given.steps, "seconds": round(timed.seconds, 1)}
        return work()

    sections: dict[str, Callable[[], Any]] = {
        "training": lambda: compare_training(train, held_out, encoder, given.tokens, devices),
        "resume": lambda: compare_resume(train, held_out[:40], encoder, given.tokens // 5, devices[-1]),
        "inference": lambda: compare_inference(train, held_out, encoder, devices),
        "classifier": lambda: run_llm(lambda: measure_classifier(train, held_out[:80], base, given.tokens, devices)),
        "tuning": lambda: run_llm(lambda: measure_tuning(train[:128], base, devices)),
    }
    for name, work in sections.items():
        begun = time.monotonic()
        if given.only and name not in given.only.split(","):
            continue
        if begun - BEGUN > given.deadline:
            report[name] = "skipped: too late"
            continue
        try:
            report[name] = work()
        except Exception as error:  # noqa: BLE001
            import traceback

            traceback.print_exc()
            report[name] = {"error": f"{type(error).__name__}: {str(error)[:300]}"}
        print(f"{name}: {time.monotonic() - begun:.0f} s", file=sys.stderr, flush=True)
        write()
    json.dump(report, sys.stdout, indent=1)
    print()


if __name__ == "__main__":
    main()
