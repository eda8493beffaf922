from __future__ import annotations

from pathlib import Path

import pytest

from goldspan.annotation.environment import read_env_file
from goldspan.annotation.errors import ConfigurationError
from goldspan.annotation.labelstudio.api.credentials import (
    StudioAccount,
    is_personal_token,
    normalise_url,
    remember_project,
    resolve_credentials,
    save_account,
)
from goldspan.annotation.tasks.workspace import Workspace

ACCOUNT = StudioAccount("http://127.0.0.1:8080", "owner@goldspan.test", "pass-word", "file-token")


@pytest.fixture
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    monkeypatch.chdir(tmp_path)
    for name in ("LABEL_STUDIO_URL", "LABEL_STUDIO_API_KEY", "LABEL_STUDIO_PROJECT_ID"):
        monkeypatch.delenv(name, raising=False)
    return Workspace(tmp_path / "data")


def test_without_any_source_the_message_says_how_to_get_one(workspace: Workspace) -> None:
    with pytest.raises(ConfigurationError, match="goldspan studio up"):
        resolve_credentials(workspace)


def test_file_of_up_is_enough(workspace: Workspace) -> None:
    save_account(workspace, ACCOUNT)
    found = resolve_credentials(workspace)
    assert (found.url, found.token, found.project_id) == ("http://127.0.0.1:8080", "file-token", None)
    assert found.source.endswith("credentials.json")
    assert (workspace.studio / "credentials.json").stat().st_mode & 0o777 == 0o600


def test_token_stays_out_of_reprs(workspace: Workspace) -> None:
    save_account(workspace, ACCOUNT)
    assert "file-token" not in repr(resolve_credentials(workspace))
    assert "file-token" not in repr(ACCOUNT)
    assert "pass-word" not in repr(ACCOUNT)


def test_flags_win_over_environment_over_dotenv_over_file(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    save_account(workspace, ACCOUNT)
    Path(".env").write_text("export LABEL_STUDIO_API_KEY='dotenv-token' # ours\nLABEL_STUDIO_PROJECT_ID=5\n")
    assert (resolve_credentials(workspace).token, resolve_credentials(workspace).project_id) == ("dotenv-token", 5)
    monkeypatch.setenv("LABEL_STUDIO_API_KEY", "environment-token")
    assert resolve_credentials(workspace).token == "environment-token"
    found = resolve_credentials(workspace, token="flag-token", project_id=9)
    assert (found.token, found.project_id) == ("flag-token", 9)
    assert found.source.endswith("and --token")


def test_token_of_the_file_is_never_sent_elsewhere(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    save_account(workspace, ACCOUNT)
    assert resolve_credentials(workspace, url="127.0.0.1:8080/").token == "file-token"
    with pytest.raises(ConfigurationError, match=r"no token for https://studio\.example\.org"):
        resolve_credentials(workspace, url="https://studio.example.org")
    monkeypatch.setenv("LABEL_STUDIO_URL", "https://studio.example.org/sub/")
    with pytest.raises(ConfigurationError, match="address from LABEL_STUDIO_URL"):
        resolve_credentials(workspace)


def test_project_is_remembered_for_the_own_server_only(workspace: Workspace) -> None:
    remember_project(workspace, 3)
    save_account(workspace, ACCOUNT)
    remember_project(workspace, 4)
    assert resolve_credentials(workspace).project_id == 4
    assert resolve_credentials(workspace, url="http://other", token="t").project_id is None


@pytest.mark.parametrize("value", ["abc", "-1", "1.5", "0"])
def test_project_that_is_no_number_is_refused(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch, value: str
) -> None:
    save_account(workspace, ACCOUNT)
    monkeypatch.setenv("LABEL_STUDIO_PROJECT_ID", value)
    with pytest.raises(ConfigurationError, match="LABEL_STUDIO_PROJECT_ID"):
        resolve_credentials(workspace)


def test_token_kinds_are_told_apart() -> None:
    assert is_personal_token("eyJhbGciOiJIUzI1NiJ9.eyJ0b2tlbiI6MX0.c2ln")
    assert not is_personal_token("0123456789abcdef0123456789abcdef01234567")
    assert not is_personal_token("eyJ")


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("", ""),
        ("localhost:8080", "http://localhost:8080"),
        (" https://a.b/c/ ", "https://a.b/c"),
        ("http://x", "http://x"),
    ],
)
def test_address_is_normalised(given: str, expected: str) -> None:
    assert normalise_url(given) == expected


def test_dotenv_reads_plain_quoted_and_commented_lines(tmp_path: Path) -> None:
    path = tmp_path / ".env"
    path.write_text("# A=0\nA=1\nB = 'two words' \nC=\"x#y\"\nexport D=4 # four\nno line\n\nE=\n")
    assert read_env_file(path) == {"A": "1", "B": "two words", "C": "x#y", "D": "4", "E": ""}
    assert read_env_file(tmp_path / "missing") == {}


URL, TOKEN = "LABEL_STUDIO_URL", "LABEL_STUDIO_API_KEY"


@pytest.mark.parametrize("address", ["http://127.0.0.1:9", "https://evil.example.org"])
def test_an_address_in_dotenv_gets_no_token_from_elsewhere(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch, address: str
) -> None:
    """A folder that somebody else made must not decide where the user's token goes."""
    Path(".env").write_text(f"{URL}={address}\n")
    monkeypatch.setenv(TOKEN, "mine")
    with pytest.raises(ConfigurationError, match="--url"):
        resolve_credentials(workspace)
    assert resolve_credentials(workspace, url=address).token == "mine"
    assert resolve_credentials(workspace).url == address
    Path(".env").write_text(f"{URL}={address}0\n")
    with pytest.raises(ConfigurationError, match="--url"):
        resolve_credentials(workspace)


def test_address_and_token_of_one_source_belong_together(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    Path(".env").write_text(f"{URL}=https://studio.example.org\n{TOKEN}=both\n")
    assert resolve_credentials(workspace).token == "both"
    Path(".env").write_text(f"{URL}=http://studio.example.org\n{TOKEN}=both\n")
    with pytest.raises(ConfigurationError, match="plain http"):
        resolve_credentials(workspace)
    monkeypatch.setenv(URL, "http://studio.example.org")
    monkeypatch.setenv(TOKEN, "both")
    assert resolve_credentials(workspace).url == "http://studio.example.org"


def test_credentials_of_the_own_server_say_so(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    save_account(workspace, ACCOUNT)
    assert resolve_credentials(workspace).is_own
    monkeypatch.setenv(TOKEN, "mine")
    assert resolve_credentials(workspace).is_own
    assert not resolve_credentials(workspace, url=ACCOUNT.url).is_own
