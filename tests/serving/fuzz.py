"""Random and hostile inputs for the API and for files, and what an answer to them may be.

Every input follows from `(seed, number)`. An answer is sound if it is an error without a text, or complete and without
any of the planted values.
"""

from __future__ import annotations

import random
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson
from starlette.testclient import TestClient

from goldspan.annotation.errors import GoldspanError
from goldspan.annotation.labels.schema import LabelSchema
from goldspan.annotation.loops import run_sync
from goldspan.masking.mask import Masker
from goldspan.masking.policy import list_presets, load_policy
from goldspan.serving.documents.base import FileSettings
from goldspan.serving.documents.files import mask_file
from tests.masking.lexicon import VALUES, LexiconPredictor
from tests.serving.documents.generated import FORMATS, make_document, reveal

SIGNS = ["é", "e\u0301", "ß", "İ", "\u200f", "\ufeff", "👩\u200d💻", "🇩🇪", "田", "\u2028"]
ALPHABET = [*"aZ09 .,-\n\r\t\x00\"'\\<>&{}[]()%$", *SIGNS]
WORDS = [*VALUES, "[FIRSTNAME_1]", "[EMAIL~x~y]", "Annabel", "ann.smith@mail.comx", "Smith’s", "O'Ann"]
PATHS = ["/v1/mask", "/v1/detect", "/v1/restore", "/predict", "/v1/tasks", "/v1/model/reload"]
FIELDS: dict[str, list[Any]] = {
    "text": [None, 1, "", [], {}],
    "texts": [[], [1], ["Ann", None], "Ann", ["Ann"] * 50, [""]],
    "method": ["", "lexicon", "missing", "bert", "mistral", 5],
    "policy": [*list_presets(), "none", "../x.toml", "/etc/passwd", {"version": 1, "name": "x"}, {"version": 9}, 3],
    "labels": [[], ["CITY"], ["NOPE"], "CITY", [1]],
    "operators": [{"CITY": "fake"}, {"CITY": "nope"}, {"X": "mask"}, [], {"FIRSTNAME": "encrypt"}, {"SURNAME": "keep"}],
    "threshold": [0, 1, 0.5, -1, 2, "x", None],
    "language": ["en", "xx", "", 1, "e" * 500],
    "country": ["US", "ZZ", 1],
    "entities": [[], [{"start": 0, "end": 3, "label": "CITY"}], [{"start": -1, "end": 9, "label": "CITY"}], [{}], 7,
                 [{"start": 0, "end": 10**9, "label": "X"}], [{"start": 2, "end": 1, "label": "CITY"}]],
    "include_originals": [True, "x"],
    "include_mapping": [True, 0],
    "mapping": [{}, {"[CITY_1]": "Berlin"}, {"": "x"}, [], {"a": 1}],
    "pii_entities": [[], ["FIRSTNAME"], "x", [5]],
    "source": ["lexicon-2", "missing", "broken", 5],
    "tasks": [[], [{"data": {"text": "Ann"}}], 5],
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Unsound:
    """An answer that may not be: the number of its input and what is wrong."""

    number: int
    reason: str


def make_text(rng: random.Random) -> str:
    """Planted values, half-values and signs of every kind."""
    pieces = [rng.choice(WORDS) if rng.random() < 0.4 else rng.choice(ALPHABET) for _ in range(rng.randrange(30))]
    return rng.choice(["", " ", "\n"]).join(pieces)


def make_request(rng: random.Random) -> tuple[str, bytes]:
    """A path and a body: sound, with wrong fields, or broken."""
    body: dict[str, Any] = {"text": make_text(rng)}
    for _ in range(rng.choice([0, 0, 1, 1, 2, 3])):
        field = rng.choice(list(FIELDS))
        body[field] = rng.choice(FIELDS[field])
    data = orjson.dumps(body)
    kind = rng.random()
    if kind < 0.08:
        data = data[: rng.randrange(len(data))]
    elif kind < 0.12:
        data = bytes(rng.randrange(256) for _ in range(rng.randrange(60)))
    elif kind < 0.14:
        data = b"[" * rng.randrange(1, 3000)
    elif kind < 0.16:
        data = orjson.dumps(rng.choice([None, [], 1, "x", {}, {"text": "\\ud800"}])).replace(b"\\\\ud800", b"\\ud800")
    return rng.choices(PATHS, [6, 2, 2, 3, 1, 1])[0], data


def try_api(client: TestClient, count: int, seed: int = 1) -> list[Unsound]:
    """Answers that are not sound."""
    found = []
    for number in range(count):
        path, data = make_request(random.Random(f"{seed} api {number}"))
        answer = client.post(path, content=data, headers={"Content-Type": "application/json"})
        if reason := judge_answer(path, data, answer.status_code, answer.content):
            found.append(Unsound(number, f"{path} {answer.status_code}: {reason}"))
    return found


def judge_answer(path: str, data: bytes, status: int, content: bytes) -> str:
    """What is wrong with an answer; empty if nothing is."""
    try:
        answer = orjson.loads(content)
    except orjson.JSONDecodeError:
        return "the answer is not JSON"
    if status != 200:
        if answer.get("error", {}).get("code") == "internal":
            return "an error that nobody thought of"
        if answer.get("complete") is not False or "masked_text" in answer:
            return "an error with a text"
        return "" if 400 <= status < 500 or status in (502, 503) else "a wrong status"
    if path not in ("/v1/mask", "/predict") or "tasks" in orjson.loads(data):
        return ""
    body = orjson.loads(data)
    if set(body) - {"text", "texts", "language", "country", "include_mapping", "method"}:
        return "" if "complete" in answer else "an answer without `complete`"
    texts = [one["masked_text"] for one in answer["results"]] if "results" in answer else [answer["masked_text"]]
    spelled = LexiconPredictor()
    for text in texts:
        if answer["complete"] is not True or spelled.predict_sync(text).entities:
            return "a value is left in a text that is said to be complete"
    return ""


def mutate(rng: random.Random, data: bytes) -> bytes:
    """The document damaged: cut, bytes changed, a piece removed, repeated or put elsewhere."""
    if not data:
        return data
    changed = bytearray(data)
    for _ in range(rng.choice([1, 1, 2, 5])):
        place, size = rng.randrange(len(changed) or 1), rng.randrange(1, 40)
        kind = rng.randrange(5)
        if kind == 0:
            changed = changed[:place]
        elif kind == 1:
            changed[place : place + size] = bytes(rng.randrange(256) for _ in range(size))
        elif kind == 2:
            del changed[place : place + size]
        elif kind == 3:
            changed[place:place] = changed[place : place + size]
        else:
            changed[place : place + 1] = rng.choice([b"\x00", b"\xff", b"<", b'"', b"&#0;", b"\n", b"{", b"%PDF"])
    return bytes(changed)


def try_files(
    folder: Path, labels: LabelSchema, count: int, seed: int = 1, formats: tuple[str, ...] = tuple(FORMATS)
) -> list[Unsound]:
    """Damaged documents, some under the ending of another format, whose masking is not sound."""
    found = []
    for number in range(count):
        rng = random.Random(f"{seed} files {number}")
        kind = rng.choice(formats)
        data, values = make_document(kind, number % 10)
        ending = kind if rng.random() < 0.9 else rng.choice(formats)
        source, target = folder / f"{number}.{ending}", folder / f"out-{number}.{ending}"
        source.write_bytes(mutate(rng, data))
        masker = Masker(LexiconPredictor(labels, values), load_policy("pseudonymise"), labels)
        try:
            run_sync(mask_file(source, target, masker, FileSettings(ocr="off")))
        except GoldspanError as error:
            if target.exists():
                found.append(Unsound(number, f"{ending}: an output in spite of an error"))
            if (
                error.__context__ is not None
                and f"({type(error.__context__).__name__})" in str(error)
                and (str(error).startswith(f"{source} cannot be masked ("))
            ):
                found.append(Unsound(number, f"{ending}: {type(error.__context__).__name__}, which nobody thought of"))
            continue
        finally:
            source.unlink()
        left = find_damaged(ending, target.read_bytes(), values)
        target.unlink()
        if left:
            found.append(Unsound(number, f"{ending}: {left} left"))
    return found


def find_damaged(ending: str, data: bytes, values: dict[str, str]) -> list[str]:
    """Labels of values that stand alone in the output, as it is read in its format or else as bytes.

    Damage may turn markup into text, in which entities and percent signs mean nothing. UTF-8 is not read as Latin-1.
    """
    try:
        readings = reveal(ending, data, decoded=False)
    except Exception:  # noqa: BLE001
        readings = [data.decode("utf-8", "replace")]
    try:
        other = data.decode("latin-1") if data.decode() else ""
        readings = [text for text in readings if text != other]
    except UnicodeDecodeError:
        pass
    patterns = {label: re.compile(rf"(?<![^\W_]){re.escape(value)}(?![^\W_])") for value, label in values.items()}
    return [label for label, pattern in patterns.items() if any(pattern.search(text) for text in readings)]
