from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from goldspan.annotation.redaction import redact, strip_controls


@pytest.mark.parametrize(
    "message",
    [
        "Incorrect API key provided: Bearer KEY",
        "token KEY is wrong",
        "bad key KEY, again KEY",
        '{"error": "KEY"}',
    ],
)
def test_a_known_secret_is_never_repeated(message: str) -> None:
    key = "s3cret-Value.9"
    assert key not in redact(message.replace("KEY", key), [key])


@pytest.mark.parametrize(
    "secret",
    [
        "sk-proj-abcdefgh123",
        "hf_AbCdEfGhIjKl",
        "eyJhbGciOiJI.eyJzdWIi.c2ln",
        "Bearer abcdefgh1234",
        "Token 0123456789abcdef",
    ],
)
def test_what_looks_like_a_secret_is_redacted_unasked(secret: str) -> None:
    shown = redact(f"the server said {secret} is unknown")
    assert secret.split()[-1] not in shown
    assert shown.endswith("is unknown")


def test_user_names_and_passwords_of_addresses_go() -> None:
    assert redact("see http://joe:pw@host/x now") == "see http://host/x now"


def test_ordinary_words_stay() -> None:
    message = "The token limit is 4096; a basic request needs 2 tokens per word."
    assert redact(message) == message


def test_escape_sequences_and_direction_marks_go() -> None:
    assert redact("\x1b]0;owned\x07 a\u202eb\x9b31m\tc\n") == "]0;owned ab31m\tc\n"


@given(st.text(), st.text(min_size=4, max_size=20))
def test_no_secret_and_no_control_character_survives(message: str, secret: str) -> None:
    shown = redact(f"{message}{secret}{message}", [secret], limit=10_000)
    if "…" not in secret:
        assert secret not in shown or secret in redact(message, [secret], limit=10_000)
    assert strip_controls(shown) == shown


@given(st.text(min_size=1_000))
def test_long_messages_are_cut(message: str) -> None:
    assert len(redact(message, limit=300)) <= 303
