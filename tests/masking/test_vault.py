from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from goldspan.annotation.errors import StateError
from goldspan.annotation.labels.schema import load_labels
from goldspan.masking.apply import MaskingContext, mask_annotation
from goldspan.masking.keys import draw_key, parse_key
from goldspan.masking.ledger import Ledger
from goldspan.masking.policy import Policy, Rule
from goldspan.masking.restore import restore_text
from goldspan.masking.vault import Vault
from tests.masking.lexicon import VALUES, annotate

KEY = parse_key("02" * 32)
CONTEXT = MaskingContext(load_labels(), KEY, "en", "US")


def mask(text: str, ledger: Ledger, operator: str = "number") -> str:
    return mask_annotation(text, annotate(text, VALUES), Policy("p", Rule(operator)), CONTEXT, ledger).text


@pytest.mark.parametrize("operator", ["number", "fake"])
def test_replacements_outlive_the_process(tmp_path: Path, operator: str) -> None:
    texts = ["Ann Smith wrote to bob@mail.com.", "Bob met Ann Smith in Berlin.", "Zoë Müller \ud800 Ann"]
    with Vault(tmp_path / "v", KEY) as vault:
        first = mask(texts[0], vault, operator)
    with Vault(tmp_path / "v", KEY) as vault:
        others = [mask(text, vault, operator) for text in texts[1:]]
        assert mask(texts[0], vault, operator) == first
    with Vault(tmp_path / "v", KEY) as vault:
        assert [restore_text(text, vault).text for text in [first, *others]] == texts


def test_the_file_shows_nothing_and_is_private(tmp_path: Path) -> None:
    with Vault(tmp_path / "v", KEY) as vault:
        mask("Ann Smith wrote to bob@mail.com.", vault)
    content = (tmp_path / "v").read_bytes()
    assert not any(word in content for word in (b"Ann", b"Smith", b"FIRSTNAME", b"mail"))
    assert (tmp_path / "v").stat().st_mode & 0o777 == 0o600


def test_one_writer_at_a_time(tmp_path: Path) -> None:
    with Vault(tmp_path / "v", KEY), pytest.raises(StateError, match="open in another process"):
        Vault(tmp_path / "v", KEY)
    Vault(tmp_path / "v", KEY).close()


def test_a_foreign_key_or_file_is_refused(tmp_path: Path) -> None:
    Vault(tmp_path / "v", KEY).close()
    with pytest.raises(StateError, match="another key"):
        Vault(tmp_path / "v", draw_key())
    (tmp_path / "w").write_bytes(b"x" * 100)
    with pytest.raises(StateError, match="not a vault"):
        Vault(tmp_path / "w", KEY)


def test_a_torn_record_is_dropped_and_the_vault_goes_on(tmp_path: Path) -> None:
    path = tmp_path / "v"
    with Vault(path, KEY) as vault:
        first = mask("Ann", vault)
    whole = path.read_bytes()
    with Vault(path, KEY) as vault:
        mask("Bob", vault)
    longer = path.read_bytes()
    for size in range(len(whole), len(longer)):
        path.write_bytes(longer[:size])
        with Vault(path, KEY) as vault:
            assert mask("Ann", vault) == first
            assert mask("Zoë", vault) == "[FIRSTNAME_2]"
        with Vault(path, KEY) as vault:
            assert restore_text("[FIRSTNAME_2]", vault).text == "Zoë"


def test_a_changed_or_exchanged_record_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "v"
    with Vault(path, KEY) as vault:
        for text in ("Ann", "Bob"):
            mask(text, vault)
    content = bytearray(path.read_bytes())
    for place in range(40, len(content), 7):
        changed = content.copy()
        changed[place] ^= 1
        path.write_bytes(changed)
        try:
            with Vault(path, KEY) as vault:
                assert set(vault.list_values().values()) <= {"Ann", "Bob"}
        except StateError:
            continue
    records = bytes(content[28:])
    size = 4 + int.from_bytes(records[:4], "big")
    path.write_bytes(bytes(content[:28]) + records[size:] + records[:size])
    with pytest.raises(StateError, match="was changed"):
        Vault(path, KEY)


def test_a_closed_vault_gives_nothing_out(tmp_path: Path) -> None:
    vault = Vault(tmp_path / "v", KEY)
    vault.close()
    with pytest.raises(StateError, match="closed"):
        mask("Ann", vault)


CHILD = """
import sys
from pathlib import Path
from tests.masking.test_vault import KEY, mask
from goldspan.masking.vault import Vault
vault = Vault(Path(sys.argv[1]), KEY)
for number in range(100_000):
    text = f"Ann Smith, bob{number}@mail.com"
    from tests.masking.lexicon import VALUES
    VALUES[f"bob{number}@mail.com"] = "EMAIL"
    print(mask(text, vault), flush=True)
    del VALUES[f"bob{number}@mail.com"]
"""


def test_what_was_given_out_is_in_the_vault_after_a_kill(tmp_path: Path) -> None:
    child = subprocess.Popen(
        [sys.executable, "-c", CHILD, str(tmp_path / "v")],
        stdout=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parents[2],
        env=os.environ,
    )
    assert child.stdout
    lines = [child.stdout.readline().rstrip("\n") for _ in range(25)]
    child.send_signal(signal.SIGKILL)
    lines += [line.rstrip("\n") for line in child.stdout.readlines() if line.endswith("\n")]
    child.wait()
    with Vault(tmp_path / "v", KEY) as vault:
        for number, line in enumerate(lines):
            assert restore_text(line, vault).text == f"Ann Smith, bob{number}@mail.com"
