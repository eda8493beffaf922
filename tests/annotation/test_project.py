from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from goldspan.annotation.errors import ConfigurationError, InputError, StateError, UnknownNameError
from goldspan.annotation.labels.edit import review_labels
from goldspan.annotation.labels.schema import find_label_file, load_labels
from goldspan.annotation.labels.values import load_terms, probe_pattern
from goldspan.annotation.project import find_project, require_project
from goldspan.annotation.tasks.workspace import check_file_name, find_workspace, find_workspace_project
from goldspan.annotation.templates import choose_ports, create_project, find_template, list_templates

TEMPLATES = [template.name for template in list_templates()]


@pytest.fixture(autouse=True)
def no_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("GOLDSPAN_DATA", "GOLDSPAN_LABELS", "GOLDSPAN_PROJECT_DIR"):
        monkeypatch.delenv(name, raising=False)


def test_the_templates_are_those_documented() -> None:
    assert TEMPLATES == ["biomedical", "blank", "legal", "pii", "support"]
    with pytest.raises(UnknownNameError, match="support"):
        find_template("suport")


@pytest.mark.parametrize("name", TEMPLATES)
def test_a_project_of_each_template_is_sound(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    project = create_project(tmp_path / "new" / "place", find_template(name), languages=("de", "en"))
    inner = project.folder / "a" / "b"
    inner.mkdir(parents=True)
    monkeypatch.chdir(inner)
    assert find_project() == project
    assert (project.name, project.languages) == ("place", ("de", "en"))
    labels = load_labels()
    assert find_label_file() == project.folder / "labels.toml"
    assert labels.purpose == project.purpose
    assert labels.purpose.is_pii == (name in {"pii", "support"})
    assert find_workspace().root == project.folder / "data"
    assert review_labels(labels) == []
    for label in labels.entities:
        assert not label.pattern or not probe_pattern(label)
        assert not (label.terms or label.terms_file) or load_terms(label)


def test_the_workspace_is_named_as_seen_from_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    project = create_project(tmp_path, find_template("blank"))
    monkeypatch.chdir(tmp_path)
    assert find_workspace().root == Path("data")
    assert find_workspace_project(find_workspace()) == project
    assert find_workspace_project(find_workspace(tmp_path / "other")) is None


def test_files_that_are_there_are_left_alone(tmp_path: Path) -> None:
    (tmp_path / "labels.toml").write_text('[labels.MINE]\nname = "Mine"\n')
    (tmp_path / "data").mkdir()
    project = create_project(tmp_path, find_template("support"))
    assert [label.code for label in load_labels(project.labels).entities] == ["MINE"]
    with pytest.raises(StateError, match="is a project already"):
        create_project(tmp_path, find_template("support"))


def test_nested_projects_are_made_on_request_and_the_nearer_one_counts(tmp_path: Path) -> None:
    outer = create_project(tmp_path, find_template("pii"), name="Outer")
    with pytest.raises(StateError, match="lies in the project Outer"):
        create_project(tmp_path / "deep" / "inner", find_template("legal"))
    assert not (tmp_path / "deep").exists()
    inner = create_project(tmp_path / "deep" / "inner", find_template("legal"), nested=True)
    found = find_project(inner.folder)
    assert found is not None
    assert (found.name, found.parents) == ("inner", (outer.folder,))


def test_no_project_and_a_wrong_folder_say_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert find_project() is None
    with pytest.raises(ConfigurationError, match="goldspan init"):
        require_project()
    monkeypatch.setenv("GOLDSPAN_PROJECT_DIR", str(tmp_path))
    with pytest.raises(ConfigurationError, match="goldspan init"):
        find_project()
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match="is a file"):
        create_project(tmp_path / "file", find_template("pii"))


def test_a_changed_file_is_read_again(tmp_path: Path) -> None:
    project = create_project(tmp_path, find_template("blank"), name="Before")
    text = project.file.read_text()
    project.file.write_text(text.replace("Before", "After, a longer name"))
    found = find_project(tmp_path)
    assert found is not None
    assert found.name == "After, a longer name"
    project.file.write_text("name = 3")
    with pytest.raises(ConfigurationError, match=r"goldspan\.toml:1: name"):
        find_project(tmp_path)


def test_ports_belong_to_the_folder(tmp_path: Path) -> None:
    assert choose_ports(tmp_path) == choose_ports(tmp_path)
    ports = {choose_ports(tmp_path / str(number)) for number in range(20)}
    assert len(ports) > 15
    assert all(1024 <= port <= 65535 for pair in ports for port in pair)


def run(*arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "goldspan", *arguments], cwd=cwd, capture_output=True, text=True, timeout=60
    )


def test_the_command_line_finds_the_project(tmp_path: Path) -> None:
    assert run("init", "tickets", "--template", "support", cwd=tmp_path).returncode == 0
    assert "ORDER_ID" in run("labels", "list", cwd=tmp_path / "tickets" / "terms").stdout
    assert "FIRSTNAME" in run("labels", "list", cwd=tmp_path).stdout
    for arguments in (("--project-dir", "tickets", "labels", "list"), ("labels", "list", "--project-dir=tickets")):
        assert "ORDER_ID" in run(*arguments, cwd=tmp_path).stdout
    shown = run("project", "--json", cwd=tmp_path / "tickets").stdout
    assert '"name": "tickets"' in shown
    missing = run("project", cwd=tmp_path)
    assert missing.returncode == 1
    assert "goldspan init" in missing.stderr


def test_the_included_schema_is_read_only(tmp_path: Path) -> None:
    before = find_label_file().read_bytes()
    done = run("labels", "add", "LEAK", "--name", "Leak", cwd=tmp_path)
    assert done.returncode == 1
    assert "read-only" in done.stderr
    assert "goldspan init" in done.stderr
    assert find_label_file().read_bytes() == before
    run("init", cwd=tmp_path)
    assert run("labels", "add", "LEAK", "--name", "Leak", cwd=tmp_path).returncode == 0
    assert "LEAK" in (tmp_path / "labels.toml").read_text()


def test_order_numbers_are_pre_annotated_on_day_one(tmp_path: Path) -> None:
    run("init", "-t", "support", cwd=tmp_path)
    (tmp_path / "mail.txt").write_text("My AquaPump 300 (order ORD-123456) stopped. E-01234 told me to write.")
    done = run("annotate", "mail.txt", "--language", "en", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    shown = run("samples", "show", "data/annotation_samples", "--tagged", cwd=tmp_path).stdout
    for value in ("<PRODUCT>AquaPump 300<", "<ORDER_ID>ORD-123456<", "<EMPLOYEE_ID>E-01234<"):
        assert value in shown


@pytest.mark.parametrize("path", ["x" * 5000, "data/" * 2000])
def test_what_is_no_path_is_refused_as_a_workspace(path: str) -> None:
    with pytest.raises(InputError, match="cannot be the folder"):
        find_workspace(path)


@pytest.mark.parametrize("name", ["CON", "com1", "Lpt9.json", "nul.tar.gz"])
def test_devices_of_windows_name_no_file(name: str) -> None:
    with pytest.raises(InputError, match="cannot be a file name"):
        check_file_name(name)
