from __future__ import annotations

import ssl
from pathlib import Path

import pytest

from goldspan.annotation.errors import ConfigurationError
from goldspan.annotation.origins import (
    choose_trust,
    confirm_origin,
    is_confirmed,
    is_loopback,
    read_origin,
    require_confirmed,
    require_private_channel,
)


@pytest.fixture(autouse=True)
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    return tmp_path / "goldspan" / "origins.json"


@pytest.mark.parametrize(
    ("url", "origin"),
    [
        ("https://api.example.com/v1", "https://api.example.com"),
        ("HTTPS://API.Example.com:443/", "https://api.example.com"),
        ("http://127.0.0.1:8000/v1/chat", "http://127.0.0.1:8000"),
        ("http://[::1]:8000", "http://[::1]:8000"),
        ("http://host:80", "http://host"),
    ],
)
def test_an_origin_is_scheme_host_and_port(url: str, origin: str) -> None:
    assert read_origin(url) == origin


@pytest.mark.parametrize("url", ["", "host/v1", "ftp://host", "http://", "http://[::1", "http://host:99999"])
def test_what_is_no_address_is_refused(url: str) -> None:
    with pytest.raises(ConfigurationError):
        read_origin(url)


def test_a_password_in_an_address_is_refused_and_not_repeated() -> None:
    with pytest.raises(ConfigurationError, match="user name or password") as refused:
        read_origin("http://joe:s3cret@host:1/")
    assert "s3cret" not in str(refused.value)


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("http://localhost:1", True),
        ("http://127.9.9.9", True),
        ("http://[::1]", True),
        ("http://localhost.evil.test", False),
        ("http://127.0.0.1.evil.test", False),
        ("http://10.0.0.1", False),
    ],
)
def test_loopback(url: str, expected: bool) -> None:
    assert is_loopback(url) is expected


@pytest.mark.parametrize("url", ["https://host", "http://host", "https://127.0.0.1:8000"])
def test_certificates_are_checked_wherever_tls_may_be_spoken(url: str) -> None:
    assert choose_trust(url) == {"verify": True, "trust_env": "127" not in url}


def test_plain_http_on_this_machine_needs_no_authority_and_no_proxy() -> None:
    trust = choose_trust("http://127.0.0.1:8000")
    context = trust["verify"]
    assert not trust["trust_env"]
    assert isinstance(context, ssl.SSLContext)
    assert (context.verify_mode, context.check_hostname) == (ssl.CERT_REQUIRED, True)
    assert context.get_ca_certs() == []


def test_a_key_goes_in_clear_only_to_this_machine() -> None:
    require_private_channel("http://127.0.0.1:8000", "The key")
    require_private_channel("https://host", "The key")
    with pytest.raises(ConfigurationError, match="The key is not sent to http://host over plain http"):
        require_private_channel("http://host/v1", "The key")


def test_an_address_of_a_workspace_gets_no_secret_before_it_is_confirmed(config: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"not sent to https://evil\.test.*journal.*goldspan generate resume"):
        require_confirmed(
            "OPENAI_API_KEY", "https://evil.test/v1", "the journal of run r", "goldspan generate resume r"
        )
    confirm_origin("OPENAI_API_KEY", "https://mine.test/v1")
    assert config.stat().st_mode & 0o777 == 0o600
    require_confirmed("OPENAI_API_KEY", "https://mine.test/other", "a journal", "-")
    assert not is_confirmed("LABEL_STUDIO_API_KEY", "https://mine.test")
    assert not is_confirmed("OPENAI_API_KEY", "https://mine.test:8443")


@pytest.mark.parametrize("content", [b"", b"[]", b"{", b'{"A": 3}'])
def test_a_broken_file_confirms_nothing(config: Path, content: bytes) -> None:
    config.parent.mkdir()
    config.write_bytes(content)
    assert not is_confirmed("A", "https://mine.test")
    confirm_origin("A", "https://mine.test")
    assert is_confirmed("A", "https://mine.test")
