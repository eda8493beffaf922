"""A model directory trained in seconds: three labels, one sentence a text, the encoder `tiny`."""

from __future__ import annotations

import random
from pathlib import Path

from goldspan.annotation.identity import make_sample_id
from goldspan.annotation.labels.schema import LabelSchema, build_labels
from goldspan.annotation.types import Annotation, Author, Entity, Mention, Sample
from goldspan.training.bundle.manifest import BundleSettings
from goldspan.training.bundle.write import write_bundle
from goldspan.training.config import TrainingConfig, parse_config
from goldspan.training.inputs import pack_inputs, unpack_inputs
from goldspan.training.runs import TrainingRun
from tests.shared import build_once

NAMES = ["Maria", "Johann", "Priya", "Ahmed", "Lucía", "Sanne", "Pierre", "Olga", "Tom", "Ines", "Kofi", "Yuki"]
CITIES = ["Paris", "Berlin", "Madrid", "Lisbon", "Oslo", "Rome", "Vienna", "Leeds", "Utrecht", "Turin"]
WORDS = ["amber", "basin", "cedar", "delta", "ember", "fjord", "grove", "harbor", "inlet", "jetty", "knoll", "ledge"]
WORDS += ["marsh", "north", "orbit", "plain", "quarry", "ridge", "slope", "tidal", "upper", "vale", "wharf", "yard"]
FRAMES = (
    "Today {name} moved to {city} and she took the number {phone} with her.",
    "In {city} lives {name}; his phone is {phone}.",
    "Call {name} at {phone}, he is in {city} until Friday.",
    "{name} wrote from {city}: she can be reached under {phone}.",
    "The report was sent on Tuesday and nobody answered.",
)
TOML = """
version = 1
[labels.FIRSTNAME]
name = "First name"
group = "PERSON"
[labels.CITY]
name = "City"
group = "LOCATION"
[labels.PHONENUMBER]
name = "Phone number"
group = "CONTACT"
[mentions.MENTION]
name = "Mention"
[mentions.PRONOUN]
name = "Pronoun"
[mentions.REFERENCE]
name = "Reference"
"""


def make_labels() -> LabelSchema:
    import tomllib

    return build_labels(tomllib.loads(TOML))


def make_sample(number: int) -> Sample:
    draw = random.Random(number)
    values = {
        "name": draw.choice(NAMES),
        "city": draw.choice(CITIES),
        "phone": "+44 " + " ".join(str(draw.randint(0, 9)) for _ in range(6)),
    }
    filler = [" ".join(draw.choices(WORDS, k=4)) for _ in range(2)]
    text = f"Note {filler[0]} {FRAMES[number % len(FRAMES)].format(**values).removesuffix('.')} {filler[1]}."
    codes = {"name": "FIRSTNAME", "city": "CITY", "phone": "PHONENUMBER"}
    found = sorted((text.index(v), text.index(v) + len(v), codes[k]) for k, v in values.items() if v in text)
    mentions = []
    if found:
        start = text.index(values["name"])
        mentions.append(Mention(start, start + len(values["name"]), "MENTION", "1"))
        for word in ("she", "his", "he", "her"):
            place = text.find(f" {word} ")
            if place >= 0:
                mentions.append(Mention(place + 1, place + 1 + len(word), "PRONOUN", "1"))
    mentions.sort(key=lambda m: m.start)
    gold = Annotation(Author.person("1"), tuple(Entity(*span) for span in found), tuple(mentions))
    return Sample(text, "en", "GB", "note", (gold,), {}, make_sample_id(text, "en"))


def make_bundle(folder: Path, count: int = 160) -> Path:
    # the filler words set the texts apart: each is its own group
    settings = BundleSettings("tiny", threshold=1.0, seed=1)
    write_bundle(folder, [make_sample(number) for number in range(count)], make_labels(), settings)
    return folder


def make_config(**training: object) -> TrainingConfig:
    settings = {"token_budget": 24_000, "threads": 1, "bf16": "false", "device": "cpu", "early_stopping_enabled": False}
    return parse_config(
        {
            "model": {"name": "tiny"},
            "training": {**settings, "window_tokens": 64, "window_overlap": 16, "learning_rate": 2e-3, **training},
            "evaluation": {"baselines": False},
        }
    )


def train_tiny() -> Path:
    """The folder of a finished run: trained/, quantized/ with signature, evaluation/; not to be changed."""
    return build_once("tiny-model", _train) / "run"


def _train(root: Path) -> None:
    from goldspan.training import stages

    labels_file = root / "labels.toml"
    labels_file.write_text(TOML)
    inputs = unpack_inputs(pack_inputs(make_bundle(root / "bundle"), labels_file, make_config()), root / "inputs")
    run = TrainingRun(root / "run")
    run.folder.mkdir()
    work = stages.Work(inputs, run, "tiny-model", lambda _: None)
    stages.preprocess(work)
    stages.train(work)
    stages.evaluate(work)
    stages.quantise(work)
    stages.sign(work, root / "key.pem")
