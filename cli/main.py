"""`goldspan`: the command groups, each loaded only when it is called."""

from __future__ import annotations

import importlib
import importlib.util
import io
import sys
from collections.abc import Sequence

import typer

from annotation.errors import GoldspanError
from cli.exits import MEANINGS, Exit
from cli.options import HELP

GROUPS = {
    "labels": "The label schema: list, add and check labels, print the Label Studio config",
    "samples": "Texts with their annotations: import, check, show, count, split",
    "generate": "Let language models (or the offline author) write samples",
    "simulate": "A model provider on this machine, with faults on request",
    "studio": "Label Studio: start it, push samples, pull the work of annotators",
    "evaluate": "Score predictions against gold",
    "compare": "Compare results side by side, with baselines",
    "errors": "The worst documents, as differences in tagged text",
    "acceptance": "How much of the pre-annotations people kept",
    "agreement": "How far annotators agree",
    "annotate": "Pre-annotate your own texts with a predictor",
    "dashboard": "Open the dashboard: coverage and quality at a glance",
    "gate": "May this data go to training? The verdict, with reasons",
    "hub": "Hugging Face data sets, in and out",
    "bundle": "Freeze a version and hand it to training",
    "demo": "The whole way on this machine, from schema to dashboard",
}
"""Name and help of each command; `cli/<name>.py` holds it as `app`. Those without a file are not shown."""


EXTRAS = {
    "generate": ("openai", "tenacity", "faker", "aiohttp", "starlette", "uvicorn", "multipart"),
    "studio": ("label_studio_sdk", "fsspec"),
    "dashboard": ("streamlit", "altair", "polars"),
    "hub": ("huggingface_hub", "datasets", "pyarrow"),
    "formats": ("spacy",),
    "charts": ("matplotlib",),
    "models": ("onnxruntime", "tokenizers"),
}
"""Libraries that each extra of the distribution brings."""


def list_commands() -> list[str]:
    """The commands whose file exists, in the order of the help."""
    return [name for name in GROUPS if importlib.util.find_spec(f"cli.{name}") is not None]


def load_command(name: str) -> typer.Typer:
    """Import one command."""
    app: typer.Typer = importlib.import_module(f"cli.{name}").app
    return app


def build_overview() -> typer.Typer:
    """The top level: the commands with a line of help each, none of them imported."""
    overview = typer.Typer(
        no_args_is_help=True,
        rich_markup_mode=None,
        add_completion=False,
        context_settings=HELP,
        epilog="Exit codes: " + "; ".join(f"{code.value} {meaning}" for code, meaning in MEANINGS.items()) + ".",
    )

    @overview.callback()
    def root() -> None:
        """From a label schema to reviewed, measured training data for PII, NER and coreference models."""

    for name in list_commands():
        overview.command(name, help=GROUPS[name], short_help=GROUPS[name])(_do_nothing)
    return overview


def _do_nothing() -> None:
    return None


def run(arguments: Sequence[str] | None = None) -> None:
    """Run the command line; errors become one message and an exit code."""
    arguments = sys.argv[1:] if arguments is None else list(arguments)
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")
    try:
        if arguments and arguments[0] in list_commands():
            command = typer.main.get_command(load_command(arguments[0]))
            command(list(arguments[1:]), prog_name=f"goldspan {arguments[0]}")
        else:
            build_overview()(list(arguments), prog_name="goldspan")
    except GoldspanError as error:
        from cli.console import fail

        fail(str(error))
        sys.exit(Exit.FAILED)
    except ModuleNotFoundError as error:
        from cli.console import fail

        fail(explain_missing(error))
        sys.exit(Exit.FAILED)
    except SystemExit as end:
        if isinstance(getattr(end.__context__, "__cause__", None), KeyboardInterrupt):
            from cli.console import fail

            fail("Interrupted. What was finished is kept; run the same command again to go on.")
        raise
    except BrokenPipeError:
        sys.stderr.close()
        sys.exit(Exit.OK)


def explain_missing(error: ModuleNotFoundError) -> str:
    """Which extra brings the library that is missing; an error that is ours is raised again."""
    library = (error.name or "").partition(".")[0]
    for extra, libraries in EXTRAS.items():
        if library in libraries:
            return f"This command needs {library}. Install it with: pip install 'goldspan[{extra}]'"
    raise error


if __name__ == "__main__":
    run()
