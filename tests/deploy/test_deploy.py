"""The deployment files: valid, closed to the outside, and with commands that exist. No container is started here."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer
import yaml

from goldspan.annotation.labelstudio.server import environment as studio
from goldspan.cli.main import COMMANDS, load_command

DEPLOY = Path(__file__).parents[2] / "deploy"
COMPOSE = yaml.safe_load((DEPLOY / "compose.yaml").read_text())
SERVICE_KEYS = {
    "image", "build", "command", "entrypoint", "depends_on", "environment", "secrets", "volumes", "ports", "read_only",
    "tmpfs", "healthcheck", "restart", "network_mode", "profiles",
}  # fmt: skip
"""Those of the Compose specification that are used here; a slip is no key of it."""
HEALTH_KEYS = {"test", "interval", "timeout", "retries", "start_period"}
DOCKERFILES = (DEPLOY / "Dockerfile", DEPLOY / "space" / "Dockerfile")
KUBERNETES = list(yaml.safe_load_all((DEPLOY / "kubernetes" / "serve.yaml").read_text()))


def list_commands() -> Iterator[list[str]]:
    for service in COMPOSE["services"].values():
        if isinstance(service.get("command"), list) and service["command"][0] == "goldspan":
            yield service["command"]
    for document in KUBERNETES:
        if document["kind"] == "Deployment":
            yield document["spec"]["template"]["spec"]["containers"][0]["args"]
    for line in (DEPLOY / "space" / "start.sh").read_text().splitlines():
        if "goldspan " in line and not line.startswith("#"):
            yield ["goldspan", *line.split("goldspan ", 1)[1].split()]


@pytest.mark.parametrize("words", list(list_commands()), ids=lambda words: " ".join(words[:3]))
def test_every_command_and_option_exists(words: list[str]) -> None:
    assert words[1] in COMMANDS
    command: Any = typer.main.get_command(load_command(words[1]))
    while words[2] in getattr(command, "commands", {}):
        command, words = command.commands[words[2]], words[1:]
    known = {name for parameter in command.params for name in parameter.opts}
    given = {word for word in words if word.startswith("--")}
    assert given
    assert given <= known


def test_compose_publishes_on_loopback_and_keeps_secrets_in_files() -> None:
    for name, service in COMPOSE["services"].items():
        assert all(port.startswith("127.0.0.1:") for port in service.get("ports", ())), name
        assert service["healthcheck"]["test"], name
        secret = [key for key in service.get("environment", {}) if "PASSWORD" in key or "TOKEN" in key or "KEY" in key]
        assert all(key.endswith(("_FILE", "_API_TOKEN")) for key in secret), name
        assert set(service.get("secrets", ())) <= set(COMPOSE["secrets"]), name
        volumes = {volume.partition(":")[0] for volume in service.get("volumes", ())}
        assert volumes <= set(COMPOSE["volumes"]), name


def test_compose_has_no_unknown_key_and_refers_to_what_exists() -> None:
    assert set(COMPOSE) == {"name", "services", "volumes", "secrets"}
    for name, service in COMPOSE["services"].items():
        assert set(service) <= SERVICE_KEYS, name
        assert set(service["healthcheck"]) <= HEALTH_KEYS, name
        for other, wanted in service.get("depends_on", {}).items():
            assert "healthcheck" in COMPOSE["services"][other]
            assert wanted == {"condition": "service_healthy"}
        if build := service.get("build"):
            assert (DEPLOY / build["context"] / build["dockerfile"]).is_file()
    for secret in COMPOSE["secrets"].values():
        assert secret["file"].startswith("../secrets/")


@pytest.mark.parametrize("path", DOCKERFILES, ids=lambda path: path.parent.name)
def test_dockerfiles_copy_what_exists_and_install_known_extras(path: Path) -> None:
    lines = path.read_text().replace("\\\n", " ").splitlines()
    steps = [(word, rest) for word, _, rest in (line.partition(" ") for line in lines) if word and word != "#"]
    known = {"FROM", "RUN", "COPY", "WORKDIR", "ENV", "USER", "VOLUME", "ENTRYPOINT", "CMD", "EXPOSE"}
    assert {word for word, _ in steps} <= known
    root = path.parent if path.parent.name == "space" else DEPLOY.parent
    for word, rest in steps:
        if word == "COPY" and "--from=" not in rest:
            assert (root / next(part for part in rest.split() if not part.startswith("--"))).exists(), rest
        if word in {"ENTRYPOINT", "CMD"}:
            assert json.loads(rest)
    extras = tomllib.loads((DEPLOY.parent / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    groups = re.findall(r"(?:--extra |goldspan\[)([a-z,]+)", path.read_text())
    wanted = [name for group in groups for name in group.split(",")]
    assert wanted
    assert set(wanted) <= set(extras)
    assert [rest for word, rest in steps if word == "USER"] == ["1000"]


def test_compose_runs_the_label_studio_that_goldspan_installs() -> None:
    requirements = (Path(studio.__file__).parent / "requirements.txt").read_text()
    version = COMPOSE["services"]["studio"]["image"].rpartition(":")[2]
    assert f"label-studio=={version}\n" in requirements


def test_kubernetes_runs_without_privileges_and_asks_whether_the_server_is_ready() -> None:
    deployment, service = KUBERNETES
    pod = deployment["spec"]["template"]["spec"]
    container = pod["containers"][0]
    assert pod["securityContext"]["runAsNonRoot"]
    assert container["securityContext"]["readOnlyRootFilesystem"]
    assert not container["securityContext"]["allowPrivilegeEscalation"]
    assert {container[probe]["httpGet"]["path"] for probe in ("readinessProbe", "livenessProbe")} == {
        "/ready",
        "/health",
    }
    assert {mount["name"] for mount in container["volumeMounts"]} == {volume["name"] for volume in pod["volumes"]}
    assert deployment["spec"]["selector"]["matchLabels"] == service["spec"]["selector"]


def test_the_entry_point_reads_secrets_from_files(tmp_path: Path) -> None:
    secret = tmp_path / "token"
    secret.write_text("a b$c\n")
    done = subprocess.run(
        [DEPLOY / "entrypoint.sh", sys.executable, "-c", "import os; print(os.environ['GOLDSPAN_SERVE_TOKEN'])"],
        env={"PATH": os.environ["PATH"], "GOLDSPAN_SERVE_TOKEN_FILE": str(secret)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "a b$c\n"


@pytest.mark.parametrize("model", ["", "owner/name"])
def test_the_space_serves_patterns_and_a_model_if_one_is_named(model: str, tmp_path: Path) -> None:
    program = tmp_path / "goldspan"
    program.write_text('#!/bin/sh\necho "$@"\n')
    program.chmod(0o755)
    environment = {"PATH": f"{tmp_path}:{os.environ['PATH']}", "GOLDSPAN_MODEL": model, "GOLDSPAN_MODEL_KEY": "ab12"}
    script = [str(DEPLOY / "space" / "start.sh")]
    done = subprocess.run(["sh", *script], env=environment, capture_output=True, text=True, check=True)
    assert ("download-model model --repo-id owner/name --key ab12" in done.stdout) == bool(model)
    assert ("--predictor regex+model " if model else "--predictor regex ") in done.stdout


def test_images_are_pinned() -> None:
    images = [service["image"] for service in COMPOSE["services"].values() if "build" not in service]
    bases = [line.split()[1] for path in DOCKERFILES for line in path.read_text().splitlines() if line[:4] == "FROM"]
    ours = COMPOSE["services"]["serve"]["image"]
    assert [name for name in images + bases if name != ours and not re.search(r":\d+\.?\d*[\w.-]*\Z", name)] == []


def test_kubernetes_objects_satisfy_the_published_schemas() -> None:
    kubernetes_validate = pytest.importorskip("kubernetes_validate")
    for document in KUBERNETES:
        kubernetes_validate.validate(document, kubernetes_validate.latest_version(), strict=True)
