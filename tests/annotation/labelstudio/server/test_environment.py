from __future__ import annotations

import re
import threading
from pathlib import Path

import pytest

from goldspan.annotation.errors import ServiceError
from goldspan.annotation.labelstudio.server import environment
from goldspan.annotation.labelstudio.server.environment import Environment


def test_requirements_are_pinned_and_name_no_address() -> None:
    lines = environment.REQUIREMENTS.read_text().splitlines()
    assert "label-studio==1.23.2" in lines
    assert all(re.fullmatch(r"[a-z0-9][a-z0-9._-]*(\[[a-z0-9,_-]+])?==[^\s/]+( ; [^/]+)?", line) for line in lines)


def test_every_pin_has_hashes_and_no_address() -> None:
    hashed = environment.HASHED.read_text()
    pins = re.findall(r"^([^\s#-][^\\\n]*?) \\$", hashed, re.MULTILINE)
    assert pins == environment.REQUIREMENTS.read_text().splitlines()
    blocks = re.split(r"^(?=[^\s])", hashed, flags=re.MULTILINE)[1:]
    assert all(re.fullmatch(r"[^\n]+\\\n(    --hash=sha256:[0-9a-f]{64}( \\)?\n)+", block) for block in blocks)
    assert "://" not in hashed


def test_environment_is_made_once_and_shared(fake_label_studio: Environment) -> None:
    told: list[str] = []
    assert environment.prepare_environment(told.append) == fake_label_studio
    assert told == []
    assert fake_label_studio.python.exists()
    assert [path.name for path in fake_label_studio.folder.glob("*.tmp")] == []


def test_other_requirements_get_another_environment(fake_label_studio: Environment) -> None:
    before = environment.compute_fingerprint()
    environment.REQUIREMENTS.write_text("# one more\n")
    assert environment.compute_fingerprint() != before


def test_template_is_made_once(fake_label_studio: Environment) -> None:
    told: list[str] = []
    template = environment.prepare_template(fake_label_studio, told.append)
    assert template.read_bytes() == b"migrated"
    environment.prepare_template(fake_label_studio, told.append)
    assert len(told) == 1
    assert [path.name for path in fake_label_studio.folder.glob("*.tmp")] == []


def test_failed_installation_leaves_nothing_and_says_what_to_do(tmp_path: Path, requirements: Path) -> None:
    requirements.write_text(f"{tmp_path / 'missing-1.0-py3-none-any.whl'}\n")
    with pytest.raises(ServiceError, match=r"could not be installed\. Check the network"):
        environment.prepare_environment()
    (folder,) = (tmp_path / "cache" / "label-studio").iterdir()
    assert [path.name for path in folder.iterdir() if path.name != "lock"] == []


def test_failed_template_leaves_nothing(fake_label_studio: Environment) -> None:
    next(fake_label_studio.folder.rglob("label_studio/server.py")).write_text(
        "def main():\n    raise SystemExit('no room')\n"
    )
    with pytest.raises(ServiceError, match="no room"):
        environment.prepare_template(fake_label_studio)
    assert not fake_label_studio.template.exists()
    assert [path.name for path in fake_label_studio.folder.glob("*.tmp")] == []


@pytest.mark.usefixtures("requirements")
def test_without_uv_the_standard_library_builds_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(environment, "find_uv", lambda: None)
    assert environment.prepare_environment().python.exists()


@pytest.mark.usefixtures("requirements")
def test_several_at_once_build_it_once() -> None:
    told: list[str] = []
    threads = [threading.Thread(target=environment.prepare_environment, args=(told.append,)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(told) == 1


def test_variables_keep_the_callers_names_out(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("USERNAME", "stray")
    monkeypatch.setenv("LABEL_STUDIO_HOST", "stray")
    variables = environment.build_quiet_variables(tmp_path)
    assert "stray" not in variables.values()
    assert variables["HOME"] == str(tmp_path)
    assert (variables["SENTRY_DSN"], variables["COLLECT_ANALYTICS"]) == ("", "false")
