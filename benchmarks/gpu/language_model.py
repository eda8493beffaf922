"""Sections on a causal language model made here: the LLM token classifier, and LoRA tuning on conversations."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from benchmarks.gpu.common import LABELS, SIZE, clock, list_precisions, rate
from goldspan.annotation.types import Sample
from goldspan.predictors.model.encoding import encode_texts, load_tokenizer
from goldspan.training.models.device import Device


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
