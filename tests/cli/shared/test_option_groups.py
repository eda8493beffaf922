from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import typer
from typer.testing import CliRunner

from goldspan.cli.shared.option_groups import expand_option_groups


@dataclass(frozen=True, slots=True)
class ServerOptions:
    url: Annotated[str, typer.Option("--url", help="Address of the server")] = "here"
    retries: Annotated[int, typer.Option(help="Attempts")] = 2


def test_a_dataclass_becomes_one_option_per_field() -> None:
    app = typer.Typer()
    seen: list[object] = []

    @app.command()
    @expand_option_groups
    def push(name: str, server: ServerOptions, quiet: Annotated[bool, typer.Option("--quiet")] = False) -> None:
        """Push it."""
        seen.append((name, server, quiet))

    runner = CliRunner()
    shown = runner.invoke(app, ["--help"]).output
    assert "Push it." in shown
    assert "Address of the server" in shown
    assert runner.invoke(app, ["a", "--retries", "5", "--quiet"]).exit_code == 0
    assert runner.invoke(app, ["b", "--url", "there"]).exit_code == 0
    assert seen == [("a", ServerOptions("here", 5), True), ("b", ServerOptions("there", 2), False)]
