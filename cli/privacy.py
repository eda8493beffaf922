"""`goldspan privacy`: find, erase and report personal data; delete raw answers that are too old."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from goldspan.annotation.errors import InputError
from goldspan.annotation.wording import format_count
from goldspan.cli.shared.console import err, out, print_json, print_table, say, warn
from goldspan.cli.shared.exits import Exit
from goldspan.cli.shared.options import DataOption, JsonOption, LabelsOption, make_app
from goldspan.cli.shared.outputs import output_option

if TYPE_CHECKING:
    from goldspan.privacy.erase import ErasurePlan
    from goldspan.privacy.stores.base import Hit

app = make_app(no_args_is_help=True)

TextArgument = Annotated[str, typer.Argument(metavar="TEXT|ID", help="A name, number or address; or a sample id")]
AsTextOption = Annotated[bool, typer.Option("--text", help="Search for TEXT also if it is the id of a sample")]
UrlOption = Annotated[str | None, typer.Option("--url", help="A Label Studio besides the workspace's own")]
TokenOption = Annotated[str | None, typer.Option("--token", help="Its token; better in LABEL_STUDIO_API_KEY")]


@app.callback()
def privacy() -> None:
    """Find a person in everything that a project stores, erase the person, and report where texts are stored."""


@app.command()
def find(
    text: TextArgument,
    as_text: AsTextOption = False,
    url: UrlOption = None,
    token: TokenOption = None,
    data: DataOption = None,
    labels: LabelsOption = None,
    as_json: JsonOption = False,
) -> None:
    """List every place that holds a person or a sample; nothing is changed.

    Words are compared without case, accents and punctuation. Exit code 0, also if nothing is found.
    """
    from goldspan.privacy.erase import find_person

    plan = find_person(text, data=data, labels_file=labels, url=url, token=token, as_text=as_text)
    if as_json:
        print_json(_describe(plan))
        return
    _show(plan.hits)
    found = f"{format_count(plan.samples, 'sample')} in {format_count(len(plan.hits), 'place')}."
    say(found if plan.hits else "Nothing was found.")


@app.command()
def erase(
    text: TextArgument,
    as_text: AsTextOption = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show the plan, change nothing")] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask")] = False,
    url: UrlOption = None,
    token: TokenOption = None,
    data: DataOption = None,
    labels: LabelsOption = None,
    as_json: JsonOption = False,
) -> None:
    """Erase a person or a sample everywhere, so that push, resume, pull, import and download never bring it back.

    Samples that hold the person are removed whole. Bundles with them are withdrawn and get a successor. An interrupted
    erasure is finished by running it again. Exit code 3: files of yours still hold it or could not be searched; they
    are named.
    """
    from goldspan.privacy.erase import erase_person, find_person

    if dry_run or not yes:
        plan = find_person(text, data=data, labels_file=labels, url=url, token=token, as_text=as_text)
        if dry_run and as_json:
            print_json(_describe(plan))
            return
        _show(plan.hits)
        what = "the sample of this id" if plan.is_sample else "this text"
        say(f"Erasing {what} removes {format_count(plan.samples, 'sample')} for good.")
        if dry_run:
            return
        if not sys.stdin.isatty():
            raise InputError("Nothing was erased: give --yes, or run the command in a terminal.")
        typer.confirm("Erase?", abort=True, err=True)
    report = erase_person(
        text, data=data, labels_file=labels, url=url, token=token, as_text=as_text, on_step=_show_step
    )
    if as_json:
        print_json({"erased": [h._asdict() for h in report.done], "remains": [h._asdict() for h in report.remains]})
    else:
        _show(report.done)
    for hit in report.remains:
        warn(f"{hit.place} {'still holds' if hit.records else 'may still hold'} it: {hit.action}.")
    raise typer.Exit(Exit.REFUSED_SOME if report.remains else Exit.OK)


@app.command()
def report(
    output: Annotated[Path | None, output_option("Markdown file; default: print it", ".md", ".txt")] = None,
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """Report for a data-protection officer where texts are stored, how old they are, and who can read them; no text."""
    from goldspan.annotation.files import write_atomic
    from goldspan.privacy.report import render_report, report_privacy

    document = report_privacy(data)
    if as_json:
        print_json(document)
    elif output:
        write_atomic(output, render_report(document).encode())
        say(f"Report: {output}")
    else:
        out.print(render_report(document))


@app.command()
def expire(
    days: Annotated[int | None, typer.Option(min=0, help="Default: raw_answers_days of goldspan.toml")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what would be deleted")] = False,
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """Delete raw answers and batch inputs of finished runs after some days; samples, costs and counts stay.

    Set the days once in goldspan.toml: [privacy] raw_answers_days = 30. Run it from a scheduler.
    """
    from goldspan.privacy.expire import expire_raw

    expired = expire_raw(data, days=days, dry_run=dry_run)
    if as_json:
        print_json([entry._asdict() for entry in expired])
        return
    print_table(("file", "days old", "bytes"), ((e.place, e.age, e.size) for e in expired), right=(1, 2))
    say(f"{len(expired)} files {'would be' if dry_run else 'were'} deleted.")


def _describe(plan: ErasurePlan) -> dict[str, object]:
    return {"is_sample": plan.is_sample, "samples": plan.samples, "places": [hit._asdict() for hit in plan.hits]}


def _show(hits: Iterable[Hit]) -> None:
    rows = [(hit.store, hit.place, hit.records, hit.action) for hit in hits]
    if rows:
        print_table(("store", "place", "records", "action"), rows, right=(2,))


def _show_step(hit: Hit) -> None:
    err.print(f"{hit.store}: {hit.place}: {hit.action}")
