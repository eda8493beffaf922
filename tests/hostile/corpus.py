"""Hostile inputs: one of each kind that was ever found to harm, and seeded mutations of all of them."""

from __future__ import annotations

import gzip
import json
import random
import tempfile
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

SECRET = "078-05-1120"
"""A value that no message may repeat."""

_ESCAPES = "\x1b[2J\x1b]0;owned\x07"
_BIDI = "\u202egnp.exe"
_STRANGE: tuple[Any, ...] = (
    None, True, -1, 0, 10**30, 1e308, "", " ", "\x00", _ESCAPES, _BIDI, "\ud800", "../../evil", "/etc/passwd", "CON",
    "a\nEVIL B-FIRSTNAME -", "=cmd|'/C calc'!A0", "<script>alert(1)</script>", "{{7*7}}", "x" * 5000, [], {}, [[]],
    {"data": {"text": SECRET}}, [SECRET], "NaN", "'; DROP TABLE task; --", "%s%n", "\u0000" * 10, "🤦🏼\u200d♂️" * 50,
)  # fmt: skip


def make_task(text: Any, results: Any = (), sample_id: Any = "s1", **data: Any) -> dict[str, Any]:
    given = {"text": text, "sample_id": sample_id, "language": "en", **data}
    return {"data": given, "predictions": [{"model_version": "m", "result": list(results)}]}


def make_region(name: str, start: Any, end: Any, text: str, label: Any = "FIRSTNAME") -> dict[str, Any]:
    value = {"start": start, "end": end, "text": text, "labels": [label]}
    return {"id": name, "from_name": "label", "to_name": "text", "type": "labels", "value": value}


def write_rows(*rows: Any) -> bytes:
    return b"".join(json.dumps(row).encode() + b"\n" for row in rows)


def nest(depth: int) -> str:
    return "[" * depth + "]" * depth


def list_seeds() -> dict[str, bytes]:
    """Files by name; the suffix tells the readers they go to."""
    ann = [make_region("r", 0, 3, "Ann")]
    seeds = {f"id_{n}.jsonl": write_rows(make_task("Ann Lee", ann, sample_id=x)) for n, x in enumerate(_STRANGE)}
    seeds |= {f"type_{n}.jsonl": write_rows(make_task("Ann", ann, document_type=x)) for n, x in enumerate(_STRANGE)}
    for n, value in enumerate(_STRANGE):
        task = {**make_task("Ann Lee"), "predictions": [{"model_version": "m", "result": value}]}
        seeds[f"result_{n}.jsonl"] = write_rows(task, {**task, "predictions": value}, {**task, "annotations": [value]})
    seeds |= {f"text_{n}.jsonl": write_rows(make_task(x, ann)) for n, x in enumerate(_STRANGE)}
    seeds |= {
        f"label_{n}.jsonl": write_rows(make_task("Ann", [make_region("r", 0, 3, "Ann", x)]))
        for n, x in enumerate(_STRANGE)
    }
    seeds |= {
        f"span_{n}.jsonl": write_rows(make_task(f"Ann {SECRET}", [make_region("r", x, 3, "Ann")]))
        for n, x in enumerate(_STRANGE)
    }
    many = 10_000
    apart = [make_region(str(n), 4 * n, 4 * n + 3, "Ann") for n in range(many)]
    chain = [{**make_region(str(n), 4 * n, 4 * n + 3, "Ann", "PRONOUN"), "from_name": "mention"} for n in range(many)]
    chain += [
        {"type": "relation", "from_id": str(n), "to_id": str(n - 1), "direction": "right", "labels": ["refers-to"]}
        for n in range(1, many)
    ]
    inside = [make_region(str(n), n, 3000 - n, "a" * (3000 - 2 * n)) for n in range(1500)]
    return seeds | {
        "deep_900.jsonl": f'{{"data":{{"text":"a","sample_id":"s","x":{nest(900)}}},"predictions":[]}}\n'.encode(),
        "deep_100000.json": f'{{"data":{{"text":"a","x":{nest(100_000)}}}}}\n'.encode(),
        "huge_number.jsonl": b'{"data":{"text":"A"},"drafts":[{"result":[{"value":{"end":%b}}]}]}\n' % (b"9" * 4000),
        "surrogates.jsonl": b'{"data":{"text":"\\ud800n","x":NaN}}\n{"data":{"text":"A"},"\\ud800":1,"x":NaN}\n',
        "nan.jsonl": b'{"data":{"text":"Ann","sample_id":"s","language":NaN}}\n',
        "twice.jsonl": b'{"data":{"text":"Ann","sample_id":"s","text":"Bob"}}\n',
        "not_utf8.jsonl": b'{"data":{"text":"\xff\xfe\xfa"}}\n',
        "spans.jsonl": write_rows(make_task("Ann " * many, apart)),
        "inside.jsonl": write_rows(make_task("a" * 3000, inside)),
        "chain.jsonl": write_rows(make_task("Ann " * many, chain)),
        "same_id.jsonl": write_rows(*[make_task(f"Ann {n}", sample_id="same") for n in range(3000)]),
        "table.csv": f'text,label\n"=1+1",{SECRET}\n"a\nb",\n"{_ESCAPES}","{_BIDI}"\n'.encode(),
        "quotes.csv": b'text\n"' + b'"' * 20_001 + b"\n",
        "words.conll": b"Ann B-FIRSTNAME\nLee I-EVIL\n\nEVIL\tB-FIRSTNAME\t-\n\n" * 20,
        "bomb.txt": gzip.compress(bytes(1 << 20)),
        "binary.txt": bytes(range(256)) * 64,
        "literals.csv": b'text,spans\nA,"%b1"\nA,"%b"\nA,"[%b1]"\n' % (b"-" * 50000, b"(" * 5000, b"not " * 9000),
        "deep.toml": f"x = {nest(5000)}\n".encode(),
        "number.toml": b"x = " + b"9" * 5000 + b"\n",
        "dotted.toml": (".".join("a" * 1 for _ in range(2000)) + " = 1\n").encode(),
        "labels.toml": f'[labels.A]\nname = "{SECRET}"\npattern = "(a+)+$"\n[labels.B]\nname = "\\u202e"\n'.encode(),
        "packed.jsonl.gz": gzip.compress(write_rows(make_task("Ann Lee", ann))),
        "upload.json": json.dumps(
            {"at": "2026", "kind": "data set", "service": "https://h", "name": SECRET, "samples": ["0"], "erased": []}
        ).encode(),
        "report.json": json.dumps(
            {"format": 1, "name": "a.jsonl", "task": "select", "plan": "0", "input_digest": "0", "output": "a.jsonl"}
        ).encode(),
        "plan.json": json.dumps(
            {"format": 1, "task": "select", "settings": {"choices": SECRET}, "labels_file": "", "labels_digest": "0",
             "shards": [{"folder": "memory://x", "name": "../a.jsonl", "size": 61}], "output": "memory://y"}
        ).encode(),
        "manifest.json": b'{"schema":"training-bundle","format":2,"files":{"../out.jsonl":"%b"}}' % (b"0" * 64),
    }  # fmt: skip


def list_packaged() -> dict[str, bytes]:
    """What other programs and our own write: a file of every format, packed files, bombs, a model directory."""
    import pyarrow as arrow
    import pyarrow.parquet as parquet

    from goldspan.annotation.formats.registry import FORMATS, export_samples
    from goldspan.annotation.labels.schema import load_labels
    from goldspan.annotation.tasks.store import read_samples

    labels, seeds = load_labels(), {}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        row = make_task("Ann Lee lives in Lyon.", [make_region("r", 0, 3, "Ann"), make_region("s", 4, 7, "Lee")])
        (folder / "s.jsonl").write_bytes(write_rows(row, make_task("Nobody.", sample_id="s2")))
        samples = list(read_samples(folder / "s.jsonl", labels))
        for chosen in FORMATS.values():
            if chosen.name == "docbin" and not find_spec("spacy"):
                continue
            target = folder / (chosen.name + chosen.suffix)
            export_samples(chosen.name, target, samples, labels)
            files = [target] if target.is_file() else sorted(path for path in target.rglob("*") if path.is_file())
            seeds |= {f"{chosen.name}_{file.name}": file.read_bytes() for file in files}
        cells = arrow.DictionaryArray.from_arrays(arrow.array([0] * 64, arrow.int32()), arrow.array(["a" * (1 << 24)]))
        parquet.write_table(arrow.table({"text": cells}), folder / "bomb", compression="zstd")
        seeds["bomb.parquet"] = (folder / "bomb").read_bytes()
        parquet.write_table(arrow.table({"text": [[["a"]]], "spans": [{"a": [None]}]}), folder / "nested")
        seeds["nested.parquet"] = (folder / "nested").read_bytes()
        with arrow.CompressedOutputStream(str(folder / "zst"), "zstd") as stream:
            for _ in range(2000):
                stream.write(bytes(1 << 20))
        seeds["bomb.jsonl.zst"] = (folder / "zst").read_bytes()
        seeds["rows.jsonl.zst"] = arrow.compress(write_rows(row), "zstd", asbytes=True)
    seeds["bomb.jsonl.gz"] = gzip.compress(bytes(300 << 20), 1)
    seeds["bomb2.jsonl.gz"] = gzip.compress(gzip.compress(bytes(50 << 20), 1), 9)
    for name, content in _MODEL.items():
        for number, value in enumerate(_STRANGE):
            seeds[f"{name}_{number}.model.json"] = write_rows({**_MODEL, name: value})
            if isinstance(content, dict) and content:
                inner = {**content, sorted(content)[number % len(content)]: value}
                seeds[f"{name}_{number}_in.model.json"] = write_rows({**_MODEL, name: inner})
    digest = "0" * 64
    marker = {
        "name": "a.jsonl", "task": "select", "plan": digest, "input_digest": digest, "output": "a.jsonl",
        "output_digest": digest, "counts": {"samples": 1}, "tallies": {"labels": {"A": 1}}, "refused": [],
        "seconds": 0.1, "peak_mib": 1.0, "error": "", "format": 1,
    }  # fmt: skip
    for number, value in enumerate(_STRANGE):
        key = sorted(marker)[number % len(marker)]
        seeds[f"marker_{number}_report.json"] = write_rows({**marker, key: value})
    return seeds


_MODEL: dict[str, Any] = {
    "tokenizer.json": {"truncation": None, "padding": None, "model": {}},
    "label_mappings.json": {"pii": {"id2label": {"0": "O", "1": "B-A", "2": "I-A"}}},
    "calibration.json": {
        "temperature": 1.0, "error_before": 0, "error_after": 0, "reliability": [], "points": [], "curve": [],
        "thresholds": {},
    },
    "coreference.json": {"method": "rules", "weights": []},
    "probes.json": [{"text": "Ann", "tags": [1], "entities": [[0, 3, "A"]]}],
    "manifest.json": {
        "schema": "model-directory", "format": 1, "name": "m", "goldspan": "1", "code": "0" * 64,
        "label_schema": {"fingerprint": "0" * 12, "version": 1, "labels": ["A"]},
        "bundle": {"name": "b", "fingerprint": "0", "data": "0", "split": "0"},
        "encoder": {"name": "e", "licence": "MIT", "source": "x"},
        "training": {"seed": 1, "steps": 1, "tokens": 1, "settings": {}},
        "windows": {"tokens": 64, "overlap": 8}, "precision": "int8", "quantisation": {}, "coreference": {},
        "metrics": {}, "trained": {},
    },
}  # fmt: skip
"""Files of a model directory that whoever made it has sealed: their digests are right."""


def list_inputs(mutations: int = 300, seed: int = 22) -> Iterator[tuple[str, bytes]]:
    """The seeds, then mutations of them: each by one to three random changes."""
    seeds = list_seeds()
    if find_spec("pyarrow"):
        seeds |= list_packaged()
    yield from seeds.items()
    draw = random.Random(seed)
    small = sorted(name for name, data in seeds.items() if len(data) < 20_000)
    for number in range(mutations):
        name = draw.choice(small)
        data = seeds[name]
        for _ in range(draw.randint(1, 3)):
            data = draw.choice(_MUTATIONS)(data, draw)
        yield f"mutant_{number:03}_{name}", data


def _flip(data: bytes, draw: random.Random) -> bytes:
    changed = bytearray(data or b" ")
    for _ in range(draw.randint(1, 8)):
        changed[draw.randrange(len(changed))] = draw.randrange(256)
    return bytes(changed)


def _cut(data: bytes, draw: random.Random) -> bytes:
    start = draw.randrange(len(data) + 1)
    return data[:start] + data[start + draw.randrange(1, 60) :]


def _repeat(data: bytes, draw: random.Random) -> bytes:
    start = draw.randrange(len(data) + 1)
    piece = data[start : start + draw.randrange(1, 40)]
    return data[:start] + piece * draw.randrange(2, 200) + data[start:]


def _insert(data: bytes, draw: random.Random) -> bytes:
    start = draw.randrange(len(data) + 1)
    piece = draw.choice(
        [b"\x00", b"\r", b"\n", b"\xef\xbb\xbf", b'"', b"\\", b"{", b"[" * 500, b"\xed\xa0\x80", b"NaN", b"9" * 400]
    )
    return data[:start] + piece + data[start:]


def _exchange(data: bytes, draw: random.Random) -> bytes:
    """Put a strange value anywhere into the first JSON record."""
    try:
        record = json.loads(data.splitlines()[0])
    except (ValueError, IndexError, RecursionError):
        return _flip(data, draw)
    node: Any = record
    while isinstance(node, dict | list) and node:
        key = draw.choice(sorted(node) if isinstance(node, dict) else range(len(node)))
        if not isinstance(node[key], dict | list) or not node[key] or draw.random() < 0.3:
            node[key] = draw.choice(_STRANGE)
            break
        node = node[key]
    return write_rows(record)


_MUTATIONS: tuple[Callable[[bytes, random.Random], bytes], ...] = (_flip, _cut, _repeat, _insert, _exchange, _exchange)


def write_corpus(folder: Path) -> list[str]:
    """Write every input; their names."""
    names = []
    for name, data in list_inputs():
        (folder / name).write_bytes(data)
        names.append(name)
    return names
