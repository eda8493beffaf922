"""`goldspan`: the command groups, each loaded only when it is called."""

from __future__ import annotations

import importlib
import io
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, NamedTuple

import typer

from goldspan import __version__
from goldspan.annotation.errors import GateClosedError, GoldspanError
from goldspan.annotation.wording import describe_error
from goldspan.cli.shared.exits import MEANINGS, Exit
from goldspan.cli.shared.options import make_app
from goldspan.cli.shared.signals import stop_on_sigterm


class Command(NamedTuple):
    """Where a command is defined (a module below `goldspan.cli`, and its name there), and its help."""

    module: str
    help: str
    name: str = "app"


COMMANDS = {
    "init": Command("project", "Make a folder a project: label schema, purpose, workspace, ports"),
    "project": Command("project", "Show the project in force", "show_app"),
    "labels": Command("labels.commands", "The label schema: list, add and check labels, print the Label Studio config"),
    "samples": Command("samples.commands", "Texts with their annotations: import, check, show, count, split"),
    "generate": Command("generate.commands", "Write samples with language models or the offline author"),
    "simulate": Command("simulate", "A simulated model provider on this machine, with fault injection"),
    "studio": Command("studio.commands", "Label Studio: start it, push samples, pull the work of annotators"),
    "evaluate": Command("evaluate.commands", "Score predictions against gold"),
    "compare": Command("evaluate.compare", "Compare results side by side, with baselines"),
    "report": Command("report", "Quality, speed and cost of systems, as one HTML file and as Markdown"),
    "errors": Command("evaluate.worst", "The worst documents, as differences in tagged text"),
    "acceptance": Command("evaluate.acceptance", "How much of the pre-annotations people kept"),
    "agreement": Command("evaluate.agreement", "How far annotators agree"),
    "predictors": Command("predictors", "What can read a text: names, options, installation"),
    "annotate": Command("annotate", "Pre-annotate your own texts with a predictor"),
    "mask": Command("mask.commands", "Mask personal data in files, restore it, and check masked files"),
    "serve": Command("serve", "Serve masking over HTTP: API, page, Label Studio's model backend"),
    "dashboard": Command("dashboard", "Open the dashboard: progress, coverage, quality, what to label next"),
    "queue": Command("queue", "Which samples to label next, with reasons"),
    "shards": Command("shards", "Files cut into shards, and the state of a run over shards"),
    "gate": Command("training.gate", "May this data go to training? The verdict, with reasons"),
    "hub": Command("hub", "Hugging Face data sets, in and out"),
    "privacy": Command("privacy", "Find, erase and report personal data; retention of raw answers"),
    "bundle": Command("training.bundle", "Freeze a version and hand it to training"),
    "train": Command("training.train", "Train a model on a bundle: run, resume, status, list"),
    "method": Command("method", "Make a predictor from a bundle by any method: list, fit, status"),
    "loop": Command("loop.commands", "Retrain behind a guarded door, queue what is next, simulate what it saves"),
    "finetune": Command("training.finetune", "Fine-tune a language model: start, resume, status, watch, cancel, list"),
    "model": Command("training.model", "Model directories: list, show, check, verify, compare; encoders"),
    "demo": Command("demo.commands", "Run the whole pipeline on this machine, without an API key"),
}


EXTRAS = {
    "generate": ("openai", "httpx2", "tenacity", "faker", "aiohttp", "starlette", "uvicorn", "multipart"),
    "studio": ("label_studio_sdk", "fsspec"),
    "dashboard": ("streamlit", "altair", "polars"),
    "hub": ("huggingface_hub", "datasets", "pyarrow"),
    "formats": ("spacy",),
    "mask": ("cryptography", "faker", "PIL"),
    "pdf": ("pypdfium2", "pikepdf"),
    "serve": ("starlette", "uvicorn", "multipart"),
    "charts": ("matplotlib",),
    "models": ("onnxruntime", "tokenizers", "pycrfsuite"),
    "scale": ("datatrove", "fsspec"),
    "train": ("torch", "transformers", "safetensors", "onnx", "metaflow", "model_signing"),
}
"""Libraries that each extra of the distribution brings."""


def load_command(name: str) -> typer.Typer:
    """Import one command."""
    command = COMMANDS[name]
    app: typer.Typer = getattr(importlib.import_module(f"goldspan.cli.{command.module}"), command.name)
    return app


def build_overview() -> typer.Typer:
    """The top level: the commands with a line of help each, none of them imported."""
    overview = make_app(
        no_args_is_help=True,
        epilog="Exit codes: " + "; ".join(f"{code.value} {meaning}" for code, meaning in MEANINGS.items()) + ".",
    )

    @overview.callback()
    def root(
        project_dir: Annotated[
            str, typer.Option("--project-dir", metavar="DIR", help="The project's folder; also after any command")
        ] = "",
        version: Annotated[
            bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version and exit")
        ] = False,
    ) -> None:
        """From a label schema to reviewed, measured training data for PII, NER and coreference models."""

    for name, command in COMMANDS.items():
        overview.command(name, help=command.help, short_help=command.help)(_do_nothing)
    return overview


def _do_nothing() -> None:
    return None


def _show_version(asked: bool) -> None:
    if asked:
        typer.echo(f"goldspan {__version__}")
        raise typer.Exit


def _take_project_dir(arguments: list[str]) -> list[str]:
    """The arguments without `--project-dir DIR`, which holds for every command; it goes to the environment."""
    end = arguments.index("--") if "--" in arguments else len(arguments)
    rest: list[str] = []
    pending = iter(arguments[:end])
    for argument in pending:
        name, sign, value = argument.partition("=")
        if name == "--project-dir" and (sign or (value := next(pending, ""))):
            os.environ["GOLDSPAN_PROJECT_DIR"] = value
        else:
            rest.append(argument)
    return rest + arguments[end:]


def run(arguments: Sequence[str] | None = None) -> None:
    """Run the command line; errors become one message and an exit code.

    As a program (without arguments from a caller) it treats SIGTERM like Ctrl-C, so that it stops what it started.
    """
    if arguments is None:
        stop_on_sigterm()
        arguments = sys.argv[1:]
    arguments = _take_project_dir(list(arguments))
    if sys.stdout is None:  # closed by the caller: `goldspan … >&-`
        sys.stdout = Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")
    try:
        if arguments and arguments[0] in COMMANDS:
            command = typer.main.get_command(load_command(arguments[0]))
            command(list(arguments[1:]), prog_name=f"goldspan {arguments[0]}")
        else:
            build_overview()(list(arguments), prog_name="goldspan")
    except GoldspanError as error:
        from goldspan.cli.shared.console import fail

        fail(str(error))
        sys.exit(Exit.GATE_CLOSED if isinstance(error, GateClosedError) else Exit.FAILED)
    except ModuleNotFoundError as error:
        from goldspan.cli.shared.console import fail

        fail(explain_missing(error))
        sys.exit(Exit.FAILED)
    except SystemExit as end:
        if isinstance(getattr(end.__context__, "__cause__", None), KeyboardInterrupt):
            from goldspan.cli.shared.console import fail

            fail("Interrupted. Run the same command again: it goes on where work was kept, else it begins anew.")
        raise
    except BrokenPipeError:
        sys.stderr.close()
        sys.exit(Exit.OK)
    except OSError as error:
        from goldspan.cli.shared.console import discard_output, fail

        if error.filename is None:
            discard_output()
        fail(f"{error.filename or 'The output cannot be written'}: {describe_error(error)}.")
        sys.exit(Exit.FAILED)


def explain_missing(error: ModuleNotFoundError) -> str:
    """Which extra brings the library that is missing; an error that is ours is raised again."""
    library = (error.name or "").partition(".")[0]
    for extra, libraries in EXTRAS.items():
        if library in libraries:
            return f"This command needs {library}. Install it with: pip install 'goldspan[{extra}]'"
    raise error
