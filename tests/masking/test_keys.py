from __future__ import annotations

from pathlib import Path

import pytest

from goldspan.annotation.errors import ConfigurationError
from goldspan.masking.keys import find_key, make_key, parse_key, require_key


def test_a_key_is_found_in_the_environment_and_in_the_env_file(tmp_path: Path) -> None:
    text = make_key()
    assert find_key({"GOLDSPAN_MASKING_KEY": text}) == parse_key(text)
    assert find_key({}, tmp_path) is None
    (tmp_path / ".env").write_text(f"GOLDSPAN_MASKING_KEY={text}\n")
    assert find_key({}, tmp_path) == parse_key(text)


@pytest.mark.parametrize("text", ["short", "ab" * 31, "zz" * 32, "=" * 44])
def test_what_is_no_key_is_refused_and_not_quoted(text: str) -> None:
    with pytest.raises(ConfigurationError, match="32 bytes") as caught:
        parse_key(text)
    assert text not in str(caught.value)


def test_subkeys_differ_and_the_secret_is_not_shown() -> None:
    key = parse_key("ab" * 32)
    assert len({key.derive("a"), key.derive("b"), key.secret}) == 3
    assert len(key.derive("siv", 64)) == 64
    assert "abab" not in repr(key)
    assert key.sign("p", "a", "bc") != key.sign("p", "ab", "c")


def test_a_missing_key_says_how_to_make_one() -> None:
    with pytest.raises(ConfigurationError, match="goldspan mask key"):
        require_key(None, "The policy x")
