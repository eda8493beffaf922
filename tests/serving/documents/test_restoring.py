from __future__ import annotations

import base64
import csv
import html
import io
import json
from pathlib import Path

import pyarrow.parquet
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from goldspan.annotation.errors import InputError
from goldspan.annotation.labels.schema import load_labels
from goldspan.annotation.loops import run_sync
from goldspan.masking.keys import parse_key
from goldspan.masking.ledger import Ledger
from goldspan.masking.mask import Masker
from goldspan.masking.policy import load_policy
from goldspan.serving.documents.base import FileSettings
from goldspan.serving.documents.files import mask_file
from goldspan.serving.documents.restoring import restore_file
from tests.masking.lexicon import LexiconPredictor
from tests.serving.documents.generated import find_left, make_document

KEY = parse_key("03" * 32)
ODD = {'O"Neil, <b>': "SURNAME", "Ann": "FIRSTNAME", "C:\\new\tline": "CITY", "Zoë & Co": "COMPANYNAME"}
VALUES = [*ODD, " and ", "x"]


def mask(folder: Path, name: str, content: str, policy: str = "pseudonymise") -> tuple[Path, Ledger]:
    ledger = Ledger(key=KEY)
    (folder / name).write_text(content, newline="")
    masker = Masker(LexiconPredictor(values=ODD), load_policy(policy), load_labels(), key=KEY, ledger=ledger)
    run_sync(mask_file(folder / name, folder / f"out-{name}", masker, FileSettings()))
    return folder / f"out-{name}", ledger


@pytest.mark.parametrize("policy", ["pseudonymise", "surrogates"])
@settings(max_examples=40)
@given(values=st.lists(st.lists(st.sampled_from(VALUES), max_size=4).map("".join), min_size=1, max_size=4))
def test_values_with_signs_of_the_format_come_back(
    tmp_path_factory: pytest.TempPathFactory, policy: str, values: list[str]
) -> None:
    folder = tmp_path_factory.mktemp("restore")
    table = io.StringIO()
    csv.writer(table).writerows([[f"column{n}" for n in range(len(values))], values])
    masked, ledger = mask(folder, "a.csv", table.getvalue(), policy)
    restored = restore_file(masked, ledger, KEY).content.decode()
    assert (
        list(csv.reader(io.StringIO(restored, newline="")))[1:]
        == list(csv.reader(io.StringIO(table.getvalue(), newline="")))[1:]
    )
    masked, ledger = mask(folder, "a.json", json.dumps({"values": values}), policy)
    assert json.loads(restore_file(masked, ledger, KEY).content) == {"values": values}
    masked, ledger = mask(folder, "a.jsonl", "\n".join(json.dumps(value) for value in values) + "\n", policy)
    lines = restore_file(masked, ledger, KEY).content.decode().splitlines()
    assert [json.loads(line) for line in lines] == values
    masked, ledger = mask(folder, "a.txt", "\n".join(values), policy)
    assert restore_file(masked, ledger, KEY).content.decode() == "\n".join(values)


def test_values_in_base64_come_back(tmp_path: Path) -> None:
    coded = base64.b64encode(b'{"name": "Ann", "of": "C:\\\\new"}').decode()
    for name in ("a.txt", "a.html", "a.json", "a.csv"):
        content = json.dumps({"t": coded}) if name == "a.json" else f"t {coded}"
        masked, ledger = mask(tmp_path, name, content)
        assert coded not in masked.read_text()
        assert restore_file(masked, ledger, KEY).content.decode() == content


@pytest.mark.parametrize("policy", ["pseudonymise", "surrogates"])
def test_values_between_marks_of_emphasis_come_back(tmp_path: Path, policy: str) -> None:
    content = "_Ann_ and **Ann**, __Zoë & Co__ of ~~Zoë & Co~~ wrote `Ann`_, snake_case_Ann.\n"
    masked, ledger = mask(tmp_path, "a.md", content, policy)
    assert "_Ann_" not in masked.read_text()
    assert restore_file(masked, ledger, KEY).content.decode() == content


def test_html_is_escaped(tmp_path: Path) -> None:
    masked, ledger = mask(tmp_path, "a.html", "<p title='Ann'>O&quot;Neil, &lt;b&gt; &amp; Ann</p>")
    assert "Ann" not in masked.read_text()
    restored = restore_file(masked, ledger, KEY)
    assert html.unescape(restored.content.decode()) == "<p title='Ann'>O\"Neil, <b> & Ann</p>"
    assert "&lt;b&gt;" in restored.content.decode()
    assert restored.restored == 3


def test_other_formats_are_refused_and_unknown_placeholders_named(tmp_path: Path) -> None:
    (tmp_path / "a.docx").write_bytes(b"x")
    with pytest.raises(InputError, match=r"\.docx"):
        restore_file(tmp_path / "a.docx", Ledger())
    (tmp_path / "a.txt").write_text("[CITY_4]")
    assert list(restore_file(tmp_path / "a.txt", Ledger()).unknown) == ["[CITY_4]"]


@pytest.mark.parametrize("kind", ["eml", "docx", "xlsx", "pptx", "parquet", "html"])
@pytest.mark.parametrize("policy", ["pseudonymise", "surrogates"])
def test_masked_documents_come_back(tmp_path: Path, kind: str, policy: str) -> None:
    for number in range(3):
        data, values = make_document(kind, number)
        source, target = tmp_path / f"{number}.{kind}", tmp_path / f"out-{number}.{kind}"
        source.write_bytes(data)
        ledger, labels = Ledger(key=KEY), load_labels()
        masker = Masker(LexiconPredictor(labels, values), load_policy(policy), labels, key=KEY, ledger=ledger)
        run_sync(mask_file(source, target, masker, FileSettings()))
        assert find_left(kind, target.read_bytes(), values) == []
        restored = restore_file(target, ledger, KEY)
        assert sorted(find_left(kind, restored.content, values)) == sorted(values.values())
        assert restored.restored >= len(values)
        if kind == "parquet":
            assert pyarrow.parquet.read_table(io.BytesIO(restored.content)).equals(pyarrow.parquet.read_table(source))
