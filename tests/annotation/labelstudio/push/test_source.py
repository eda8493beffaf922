"""What a target of `push --storage` becomes at Label Studio."""

from __future__ import annotations

from pathlib import Path

import pytest

from goldspan.annotation.errors import ConfigurationError
from goldspan.annotation.labelstudio.push.source import StorageSource, find_source

LOCAL, REMOTE = "http://127.0.0.1:8080/", "http://studio.example.org/"


@pytest.fixture(autouse=True)
def _keys(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_SESSION_TOKEN", "AWS_ENDPOINT_URL_S3", "AWS_DEFAULT_REGION"):
        monkeypatch.delenv(name, raising=False)
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_REGION"):
        monkeypatch.setenv(name, name.lower())
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9000")


@pytest.mark.parametrize(
    ("address", "prefix"),
    [("s3://texts", ""), ("s3://texts/", ""), ("s3://texts/a/b", "a/b/"), ("s3://texts/a/", "a/")],
)
def test_a_bucket_is_told_by_its_name_and_a_folder(address: str, prefix: str) -> None:
    assert find_source(address, REMOTE) == StorageSource("s3", {"bucket": "texts", "prefix": prefix})


def test_keys_are_sent_only_when_asked_and_never_in_clear(monkeypatch: pytest.MonkeyPatch) -> None:
    sent = find_source("s3://texts", LOCAL, send_keys=True)
    assert sent
    assert sent.access == {
        "aws_access_key_id": "aws_access_key_id",
        "aws_secret_access_key": "aws_secret_access_key",
        "s3_endpoint": "http://127.0.0.1:9000",
        "region_name": "aws_region",
    }
    assert "secret" not in repr(sent)
    with pytest.raises(ConfigurationError, match="plain http"):
        find_source("s3://texts", REMOTE, send_keys=True)
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    with pytest.raises(ConfigurationError, match="no keys to send"):
        find_source("s3://texts", LOCAL, send_keys=True)


def test_a_folder_is_read_from_disk_and_other_addresses_by_hand(tmp_path: Path) -> None:
    assert find_source(tmp_path, REMOTE) == StorageSource("localfiles", {"path": str(tmp_path.resolve())})
    assert find_source("gs://bucket/a", LOCAL) is None
