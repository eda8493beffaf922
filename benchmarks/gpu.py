"""Training and inference on a GPU beside the CPU of the same machine: the same code and data, ratios within one run.

python benchmarks/gpu.py [--documents 800] [--tokens 150000] [--encoder rampart] [--device cuda] [--deadline 330]

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
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

sys.path.remove(str(Path(__file__).resolve().parent))
os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")

import torch

from goldspan.annotation.labels.schema import load_labels
from goldspan.annotation.types import Sample
from goldspan.predictors.model.encoding import WindowSize, encode_texts, load_tokenizer
from goldspan.training.config import AugmentationSettings, TrainingSettings
from goldspan.training.models.build import build_network, read_tokenizer
from goldspan.training.models.corpus import TrainingCorpus, make_examples
from goldspan.training.models.device import Device, choose_device
from goldspan.training.models.encoders.catalogue import Encoder, find_encoder
from goldspan.training.models.inference import run_network
from goldspan.training.models.loop import Trainer, TrainingOutcome, TrainingProgress
from goldspan.training.models.network import SpanNetwork
from goldspan.training.models.validation import decode_all, validate

LABELS = load_labels()
SIZE = WindowSize(256, 64)
BEGUN = time.monotonic()


def read_documents(path: Path | None, count: int) -> list[Sample]:
    """Documents of a file, or of the offline author."""
    if path:
        from goldspan.annotation.tasks.store import read_samples

        return list(read_samples([path], LABELS))[:count]
    from goldspan.annotation.identity import make_sample_id
    from goldspan.annotation.text.tagged import parse_tagged
    from goldspan.annotation.types import Annotation, Author
    from goldspan.generators.offline.author import write_document
    from goldspan.generators.specs.draw import draw_spec

    samples = []
    for index in range(count):
        tagged = parse_tagged(write_document(draw_spec(17, index, ["en"], LABELS), LABELS), LABELS)
        gold = Annotation(Author.person("1"), tagged.entities, tagged.mentions)
        samples.append(Sample(tagged.text, "en", annotations=(gold,), sample_id=make_sample_id(tagged.text, "en")))
    return samples


@dataclass(slots=True)
class Clock:
    """Wall seconds of a block."""

    seconds: float = 0.0


@contextmanager
def clock(device: Device) -> Iterator[Clock]:
    """Measure a block until the device is done."""
    found, begun = Clock(), time.perf_counter()
    yield found
    if device.kind == "cuda":
        torch.cuda.synchronize()
    found.seconds = time.perf_counter() - begun


def make_trainer(
    samples: Sequence[Sample],
    held_out: Sequence[Sample],
    encoder: Encoder,
    device: Device,
    folder: Path,
    report: Callable[[TrainingProgress], None] = lambda _: None,
    **settings: Any,
) -> tuple[Trainer, SpanNetwork]:
    """Our training loop over the token classifier, from the same weights each time."""
    torch.manual_seed(0)
    tokenizer = load_tokenizer(read_tokenizer(encoder, [sample.text for sample in samples]))
    built = build_network(encoder, LABELS.bio_table, vocabulary=tokenizer.get_vocab_size())
    corpus = TrainingCorpus(tuple(samples), tokenizer, LABELS, AugmentationSettings(), 0, 0.0)
    chosen = TrainingSettings(
        **{"evaluations": 1, "checkpoint_seconds": 1e9, "early_stopping_enabled": False, **settings}
    )
    trainer = Trainer(
        built.network, corpus, make_examples(held_out, tokenizer, LABELS), LABELS, chosen, device,
        encoder.learning_rate, folder, coreference=False, report=report,
    )  # fmt: skip
    return trainer, built.network


def compare_training(
    train: Sequence[Sample], held_out: Sequence[Sample], encoder: Encoder, tokens: int, devices: Sequence[Device]
) -> dict[str, Any]:
    """Documents a second and strict F1 on each device."""
    rows: dict[str, Any] = {}
    tokenizer = load_tokenizer(read_tokenizer(encoder, [sample.text for sample in train]))
    ways = [(d.kind, d, 8) for d in devices] + [(f"{devices[-1].kind}, batch 32", devices[-1], 32)]
    for name, device, batch in ways:
        with tempfile.TemporaryDirectory() as folder:
            if device.kind == "cuda":
                make_trainer(train[:40], held_out[:2], encoder, device, Path(folder), token_budget=4_000)[0].run()
        with tempfile.TemporaryDirectory() as folder:
            trainer, network = make_trainer(
                train, held_out[:1], encoder, device, Path(folder), token_budget=tokens, batch_size=batch
            )
            with clock(device) as timed:
                outcome = trainer.run()
        f1 = validate(network, make_examples(held_out, tokenizer, LABELS), LABELS, SIZE, device).f1
        rows[name] = {
            "bf16": device.bf16,
            "documents_per_second": round(outcome.documents / timed.seconds, 1),
            "tokens_per_second": round(outcome.tokens / timed.seconds),
            "strict_f1": round(f1, 4),
        }
    return rate(rows, "documents_per_second", devices[0].kind)


def compare_resume(
    train: Sequence[Sample], held_out: Sequence[Sample], encoder: Encoder, tokens: int, device: Device
) -> dict[str, Any]:
    """The weights and scores of an interrupted run beside those of one that was not."""

    class Interrupted(BaseException):
        pass

    def interrupt(progress: TrainingProgress) -> None:
        if progress.tokens < progress.total:
            raise Interrupted

    settings = {"token_budget": tokens, "evaluations": 2, "checkpoint_seconds": 0.0, "average_checkpoints": 1}
    with tempfile.TemporaryDirectory() as one, tempfile.TemporaryDirectory() as other:
        trainer, whole = make_trainer(train, held_out, encoder, device, Path(one), **settings)
        wanted: TrainingOutcome = trainer.run()
        with suppress(Interrupted):
            make_trainer(train, held_out, encoder, device, Path(other), interrupt, **settings)[0].run()
        trainer, resumed = make_trainer(train, held_out, encoder, device, Path(other), **settings)
        found: TrainingOutcome = trainer.run()
    pairs = zip(whole.parameters(), resumed.parameters(), strict=True)
    worst = max(float((a.detach().float() - b.detach().float()).abs().max()) for a, b in pairs)
    return {
        "steps": [wanted.steps, found.steps],
        "strict_f1": [round(wanted.validation.f1, 4), round(found.validation.f1, 4)],
        "largest_difference_of_weights": worst,
    }


def compare_inference(
    train: Sequence[Sample], texts: Sequence[Sample], encoder: Encoder, devices: Sequence[Device]
) -> dict[str, Any]:
    """Documents a second of a trained network on each device, and agreement with the first."""
    with tempfile.TemporaryDirectory() as folder:
        trainer, network = make_trainer(train, texts[:8], encoder, devices[-1], Path(folder), token_budget=40_000)
        trainer.run()
    tokenizer = load_tokenizer(read_tokenizer(encoder, [sample.text for sample in train]))
    examples = make_examples(texts, tokenizer, LABELS)
    encoded = [example.encoded for example in examples]
    rows: dict[str, Any] = {}
    first: list[Any] = []
    plain = Device(devices[0].kind, bf16=False)
    for name, device in [("float32", plain), *((f"{d.kind}", d) for d in devices)]:
        network.to(device.kind)
        run_network(network, encoded[:32], SIZE, device)
        with clock(device) as timed:
            outputs = run_network(network, encoded, SIZE, device)
        found = decode_all(examples, outputs, LABELS, _options())
        first = first or found
        same = sum(a == b for a, b in zip(_spans(first), _spans(found), strict=True))
        rows[name] = {
            "bf16": device.bf16,
            "documents_per_second": round(len(texts) / timed.seconds, 1),
            "documents_alike": round(same / len(texts), 4),
        }
    return rate(rows, "documents_per_second", devices[0].kind)


def make_base(folder: Path, texts: Sequence[str], device: Device, *, steps: int, hidden: int, layers: int) -> int:
    """A Llama with its own tokenizer, trained as a language model on the texts; returns its parameters."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    tokenizer.train_from_iterator(
        texts, trainers.BpeTrainer(vocab_size=8_000, special_tokens=["<|end|>"], initial_alphabet=alphabet,
                                   show_progress=False)
    )  # fmt: skip
    PreTrainedTokenizerFast(tokenizer_object=tokenizer, eos_token="<|end|>").save_pretrained(folder)
    torch.manual_seed(0)
    model = LlamaForCausalLM(
        LlamaConfig(
            vocab_size=tokenizer.get_vocab_size(), hidden_size=hidden, intermediate_size=4 * hidden,
            num_hidden_layers=layers, num_attention_heads=hidden // 64, num_key_value_heads=hidden // 64,
            max_position_embeddings=8_192, bos_token_id=None, eos_token_id=0, pad_token_id=None,
        )
    ).to(device.kind)  # fmt: skip
    rows = [torch.tensor([*tokenizer.encode(text).ids, 0])[:256] for text in texts]
    optimiser = torch.optim.AdamW(model.parameters(), lr=6e-4)
    draws = torch.Generator().manual_seed(0)
    model.train()
    for _ in range(steps):
        chosen = torch.randint(len(rows), (16,), generator=draws).tolist()
        batch = torch.nn.utils.rnn.pad_sequence([rows[n] for n in chosen], batch_first=True, padding_value=-100)
        labels = batch.to(device.kind)
        with device.autocast():
            loss = model(input_ids=labels.clamp(min=0), attention_mask=(labels >= 0).long(), labels=labels).loss
        optimiser.zero_grad(set_to_none=True)
        torch.autograd.backward(loss)
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimiser.step()
    model.float().cpu().save_pretrained(folder)
    return sum(parameter.numel() for parameter in model.parameters())


def measure_classifier(
    train: Sequence[Sample], held_out: Sequence[Sample], base: Path, tokens: int, devices: Sequence[Device]
) -> dict[str, Any]:
    """The LLM token classifier: hidden states on each device, then F1 of the frozen head and of LoRA."""
    from goldspan.training.models.causal.backbone import BackboneSettings, load_backbone
    from goldspan.training.models.causal.base import find_base
    from goldspan.training.models.causal.fit import fit_classifier
    from goldspan.training.models.causal.hidden_states import compute_hidden_states
    from goldspan.training.models.causal.settings import LlmClassifierSettings

    found = find_base(str(base))
    tokenizer = load_tokenizer((base / "tokenizer.json").read_bytes())
    rows: dict[str, Any] = {}
    for name, device, four_bit in list_precisions(devices):
        try:
            backbone = load_backbone(found, BackboneSettings(four_bit=four_bit), device, SIZE.tokens)
        except Exception as error:  # noqa: BLE001
            rows[name] = {"error": f"{type(error).__name__}: {str(error)[:200]}"}
            continue
        part = train if device.kind == "cuda" else train[:48]
        encoded = encode_texts(tokenizer, [sample.text for sample in part])
        hidden = int(backbone.config.hidden_size)

        def open_backbone(given: Any = backbone) -> Any:
            return given

        with tempfile.TemporaryDirectory() as folder:
            where = Path(folder)
            compute_hidden_states(open_backbone, "warm", hidden, encoded[:8], SIZE, device, where)
            with clock(device) as timed:
                states = compute_hidden_states(open_backbone, name, hidden, encoded, SIZE, device, where)
        rows[name] = {"tokens_per_second": round(len(states.rows) / timed.seconds)}
        if device.kind == "cuda":
            rows[name]["weights_mib"] = round(sum(p.numel() * p.element_size() for p in backbone.parameters()) / 2**20)
        del backbone
    rate(rows, "tokens_per_second", devices[0].kind)
    kind = devices[-1].kind
    ways = {
        "frozen": {},
        "lora": {"adapter": "lora"},
        "lora, bidirectional": {"adapter": "lora", "attention": "bidirectional"},
        "lora, 4-bit": {"adapter": "lora", "four_bit": True},
    }
    fits: dict[str, Any] = {}
    for name, options in ways.items():
        if options.get("four_bit") and kind != "cuda":
            continue
        settings = replace(LlmClassifierSettings(base=str(base), device=kind, tokens=tokens, batch_size=16), **options)
        with tempfile.TemporaryDirectory() as folder:
            try:
                with clock(devices[-1]) as timed:
                    fitted = fit_classifier(train, held_out, LABELS, settings, Path(folder))
            except Exception as error:  # noqa: BLE001
                fits[name] = {"error": f"{type(error).__name__}: {str(error)[:300]}"}
                continue
        fits[name] = {"strict_f1": round(fitted.validation.f1, 4), "seconds": round(timed.seconds, 1)}
        if fitted.record["adapter"]:
            fits[name]["head_f1"] = round(fitted.record["head"]["f1"], 4)
    return {"hidden_states": rows, "fits": fits}


def measure_tuning(samples: Sequence[Sample], base: Path, devices: Sequence[Device]) -> dict[str, Any]:
    """LoRA steps on conversations: tokens a second, and a resumed run beside one that was not interrupted."""
    from safetensors.torch import load

    from goldspan.training.finetuning.rows import build_rows
    from goldspan.training.models.causal.base import find_base
    from goldspan.training.models.causal.chat import ChatTokenizer
    from goldspan.training.models.causal.lora import WEIGHTS, LoraSettings
    from goldspan.training.models.causal.tuning import AdapterTuner, TunerSettings

    found = find_base(str(base))
    chat = ChatTokenizer(found)
    encoded = [chat.encode(list(row.messages)) for row in build_rows(samples, LABELS)]
    rows: dict[str, Any] = {}
    for name, device, four_bit in list_precisions(devices):
        part = encoded[:96] if device.kind == "cuda" else encoded[:2]
        settings = TunerSettings(epochs=2, batch_size=8 if device.kind == "cuda" else 1, four_bit=four_bit)
        try:
            weights = []
            for resumed in (False, True):
                with tempfile.TemporaryDirectory() as folder:
                    order = (found, part, (), settings, LoraSettings(dropout=0.0), device, Path(folder))
                    tuner = AdapterTuner(*order, pad=chat.pad)
                    first = tuner.advance(0.0)
                    if resumed:
                        tuner = AdapterTuner(*order, pad=chat.pad)
                    with clock(device) as timed:
                        last = tuner.advance(1e9)
                    adapter = load(tuner.dump()[WEIGHTS])
                    weights.append([adapter[name].float() for name in sorted(adapter)])
        except Exception as error:  # noqa: BLE001
            rows[name] = {"error": f"{type(error).__name__}: {str(error)[:300]}"}
            continue
        worst = max(float((a - b).abs().max()) for a, b in zip(*weights, strict=True))
        rows[name] = {
            "tokens_per_second": round((last.tokens - first.tokens) / timed.seconds),
            "losses": [round(first.loss, 3), round(last.loss, 3)],
            "largest_difference_of_resumed_weights": worst,
        }
    return rate(rows, "tokens_per_second", devices[0].kind)


def list_precisions(devices: Sequence[Device]) -> list[tuple[str, Device, bool]]:
    """Each device, and the GPU with 4-bit weights."""
    ways = [(device.kind, device, False) for device in devices]
    return ways + ([("cuda, 4-bit", devices[-1], True)] if devices[-1].kind == "cuda" else [])


def rate(rows: dict[str, Any], figure: str, first: str) -> dict[str, Any]:
    """Add to each row its ratio to the first device's."""
    for row in rows.values():
        if figure in row and figure in rows.get(first, {}):
            row["ratio"] = round(row[figure] / max(rows[first][figure], 1e-9), 2)
    return rows


def _options() -> Any:
    from goldspan.predictors.model.decode import DecodingOptions

    return DecodingOptions()


def _spans(found: Sequence[Any]) -> list[set[Any]]:
    return [{entity.span for entity in entities} for entities in found]


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
