"""A tiny causal language model with weights that mean something: trained on unlabelled notes until words group.

The notes hold many more names and cities than the labelled samples do: a head trained on a few of them finds the
others only if the backbone has learnt that they are used alike.
"""

from __future__ import annotations

import random
import re
from functools import partial
from pathlib import Path
from typing import Any

from goldspan.annotation.identity import make_sample_id
from goldspan.annotation.types import Annotation, Author, Entity, Sample
from goldspan.predictors.prompting.prompt import build_answer
from tests.shared import build_once
from tests.training.tiny_model import CITIES, FRAMES, NAMES, WORDS

NEW_NAMES = ["Aldo", "Bruna", "Celia", "Dario", "Edda", "Fabio", "Greta", "Hugo", "Irma", "Jonas", "Klara", "Livia"]
NEW_CITIES = ["Ghent", "Lyon", "Porto", "Riga", "Split", "Tampere", "Varna", "Zagreb", "Bergen", "Delft"]
TEMPLATE = (
    "{% for m in messages %}<|{{ m['role'] }}|>{{ m['content'] }}<|end|>{% endfor %}"
    "{% if add_generation_prompt %}<|assistant|>{% endif %}"
)
_SPECIAL = ["<|pad|>", "<|system|>", "<|user|>", "<|assistant|>", "<|end|>"]


def write_note(number: int, names: list[str], cities: list[str]) -> str:
    draw = random.Random(number)
    values = {
        "name": draw.choice(names),
        "city": draw.choice(cities),
        "phone": "+44 " + " ".join(str(draw.randint(0, 9)) for _ in range(6)),
    }
    filler = " ".join(draw.choices(WORDS, k=2))
    return f"Note {filler} {FRAMES[number % len(FRAMES)].format(**values)}"


def label_note(number: int, names: list[str], cities: list[str]) -> Sample:
    text = write_note(number, names, cities)
    patterns = {"FIRSTNAME": "|".join(names), "CITY": "|".join(cities), "PHONENUMBER": r"\+44(?: \d){6}"}
    found = [
        Entity(match.start(), match.end(), code)
        for code, pattern in patterns.items()
        for match in re.finditer(rf"(?<!\w)(?:{pattern})(?!\w)", text)
    ]
    gold = Annotation(Author.person("1"), tuple(sorted(found, key=lambda entity: entity.start)))
    return Sample(text, "en", "GB", "note", (gold,), {}, make_sample_id(text, "en"))


def make_splits() -> tuple[list[Sample], list[Sample]]:
    """Training notes with the known values, validation notes with values that no training note has."""
    train = [label_note(number, NAMES, CITIES) for number in range(120)]
    return train, [label_note(number, NEW_NAMES, NEW_CITIES) for number in range(5000, 5060)]


def write_base(folder: Path, steps: int, *, chats: bool = False) -> Path:
    """A base folder; with `steps` 0 its weights are random, with `chats` it has seen answers, but no questions."""
    import torch
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

    texts = [write_note(number, NAMES + NEW_NAMES, CITIES + NEW_CITIES) for number in range(1500)]
    if chats:
        answers = (label_note(number, NAMES, CITIES) for number in range(400))
        texts = texts[:200] + [f"<|assistant|>{build_answer(s.text, s.best.entities)}<|end|>" for s in answers]
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(
        vocab_size=700, special_tokens=_SPECIAL, initial_alphabet=alphabet, show_progress=False
    )
    tokenizer.train_from_iterator(texts, trainer)
    fast = PreTrainedTokenizerFast(tokenizer_object=tokenizer, pad_token="<|pad|>", eos_token="<|end|>")
    fast.chat_template = TEMPLATE
    fast.save_pretrained(folder)
    sizes: dict[str, Any] = {
        "vocab_size": tokenizer.get_vocab_size(), "hidden_size": 64, "intermediate_size": 128, "num_hidden_layers": 2,
        "num_attention_heads": 4, "num_key_value_heads": 2, "max_position_embeddings": 2048, "pad_token_id": 0,
        "eos_token_id": 4, "bos_token_id": None, "tie_word_embeddings": True,
    }  # fmt: skip
    torch.manual_seed(0)
    model = LlamaForCausalLM(LlamaConfig(**sizes))
    rows = [torch.tensor(tokenizer.encode(text).ids) for text in texts]
    optimiser = torch.optim.AdamW(model.parameters(), lr=5e-3)
    draws = random.Random(0)
    model.train()
    for _ in range(steps):
        batch = torch.nn.utils.rnn.pad_sequence(draws.sample(rows, 24), batch_first=True)
        labels = batch.masked_fill(batch == 0, -100)
        loss = model(input_ids=batch, attention_mask=(batch != 0).long(), labels=labels).loss
        optimiser.zero_grad()
        torch.autograd.backward(loss)
        optimiser.step()
    model.eval().save_pretrained(folder)
    return folder


def train_base(steps: int = 100, *, chats: bool = False) -> Path:
    """The folder of the trained base; not to be changed."""
    return build_once(f"causal-base-{steps}{'-chats' if chats else ''}", partial(_train_base, steps=steps, chats=chats))


def _train_base(folder: Path, steps: int, *, chats: bool) -> None:
    import torch

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        write_base(folder, steps, chats=chats)
    finally:
        torch.set_num_threads(threads)
