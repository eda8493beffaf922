"""`goldspan hub`: Download and upload Hugging Face data sets and models."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from goldspan.annotation.errors import InputError
from goldspan.annotation.labels.schema import load_labels
from goldspan.annotation.wording import format_count
from goldspan.cli.shared.console import err, out, print_json, print_table, say, warn
from goldspan.cli.shared.exits import Exit
from goldspan.cli.shared.options import DataOption, JsonOption, LabelsOption, NewDataOption, make_app

if TYPE_CHECKING:
    from goldspan.annotation.hub.shards import HubShard
    from goldspan.annotation.hub.state import ShardResult
    from goldspan.annotation.types import Sample

app = make_app(no_args_is_help=True, help="Download and upload Hugging Face data sets and models.")

RepoOption = Annotated[str, typer.Option("--repo-id", metavar="OWNER/NAME", help="The data set on the Hub")]


@app.command("download")
def download(
    repo_id: RepoOption,
    revision: Annotated[str | None, typer.Option(help="Branch, tag or commit; its commit is pinned")] = None,
    splits: Annotated[list[str] | None, typer.Option("--splits", help="Only these; repeat it or use commas")] = None,
    output_dir: Annotated[Path | None, typer.Option(help="Default: annotation_samples in the workspace")] = None,
    layout: Annotated[str, typer.Option(help="jsonl: a file for each shard; files: a file for each sample")] = "jsonl",
    taxonomy: Annotated[str | None, typer.Option(help="Label mapping; detected from the data set by default")] = None,
    labels_map: Annotated[
        list[str] | None, typer.Option(metavar="A=B", help="Map a label, or a .toml or .json file of pairs; repeatable")
    ] = None,
    language: Annotated[str, typer.Option(help="Language code of rows that name none")] = "",
    data: NewDataOption = None,
    labels: LabelsOption = None,
    as_json: JsonOption = False,
) -> None:
    """Download a data set whose rows have any form that `goldspan samples import` reads.

    Every row becomes a sample or a rejection with its reason. Run the command again to resume.
    """
    _require_hub()
    from goldspan.annotation.formats.mapping import read_label_map
    from goldspan.annotation.hub.download import download_dataset
    from goldspan.annotation.tasks.workspace import find_workspace

    if layout not in {"jsonl", "files"}:
        raise InputError(f"--layout is jsonl or files, not {layout!r}.")
    names = [name.strip() for group in splits or [] for name in group.split(",") if name.strip()]
    target = output_dir or find_workspace(data).annotation_samples
    schema = load_labels(labels)

    def show_shard(shard: HubShard, result: ShardResult) -> None:
        say(f"{shard.file}: {result.samples} of {result.rows} rows.")

    with err.status(f"Reading {repo_id} …"):
        report = download_dataset(
            repo_id,
            target,
            schema,
            revision=revision,
            splits=names,
            layout="files" if layout == "files" else "jsonl",
            taxonomy=taxonomy,
            labels_map=read_label_map(labels_map or (), schema),
            language=language,
            on_shard=show_shard,
        )
    if as_json:
        from dataclasses import asdict

        totals = {"rows": report.rows, "samples": report.samples, "rejected": report.rejected}
        print_json(asdict(report) | totals | {"unmapped": report.unmapped, "output": str(target)})
    else:
        from goldspan.annotation.checks import CODES
        from goldspan.annotation.formats.rows.raw import MEANINGS

        meanings = {**CODES, **{code.value: text for code, text in MEANINGS.items()}}
        if report.rejected:
            rows = ((code, count, meanings.get(code, "")) for code, count in report.rejected.items())
            print_table(["rejected", "rows", "meaning"], rows, right=(1,))
        if report.unmapped:
            left = ", ".join(f"{name} {count}" for name, count in report.unmapped.items())
            say(f"Spans left out because their label has no counterpart here: {left}.")
        say(
            f"{format_count(report.rows, 'row')} = {format_count(report.samples, 'sample')} + "
            f"{report.rows - report.samples} rejected → {target} "
            f"(commit {report.revision[:12]}, taxonomy {report.taxonomy}, licence {report.licence or 'not given'})."
        )
        if report.rejected:
            say(f"Rejections: {report.folder}")
    raise typer.Exit(Exit.REFUSED_SOME if report.rejected else Exit.OK)


@app.command("upload")
def upload(
    repo_id: RepoOption,
    files: Annotated[
        list[Path] | None, typer.Argument(metavar="FILE", help="Default: training_samples in the workspace")
    ] = None,
    public: Annotated[bool, typer.Option("--public", help="Create a public repository")] = False,
    create_repo: Annotated[
        bool, typer.Option("--create-repo", help="Create the repository if it does not exist")
    ] = False,
    test_split_ratio: Annotated[float, typer.Option(help="Share of the test split")] = 0.1,
    licence: Annotated[str, typer.Option("--license", help="Licence for the card, as the Hub writes it")] = "other",
    seed: Annotated[int, typer.Option(help="Seed of the split")] = 0,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Write card and Parquet locally, publish nothing")] = False,
    output_dir: Annotated[
        Path | None, typer.Option(help="Folder for card and Parquet; default with --dry-run: releases/<name>")
    ] = None,
    data: DataOption = None,
    labels: LabelsOption = None,
    as_json: JsonOption = False,
) -> None:
    """Publish samples as a data set: Parquet, a leak-free split, and a generated card.

    The repository is private unless --public. kiji's columns are unchanged; offsets are added.
    """
    _require_hub()
    import tempfile

    from goldspan.annotation.hub.client import find_endpoint, publish_folder
    from goldspan.annotation.hub.upload import build_release
    from goldspan.annotation.tasks.store import read_samples
    from goldspan.annotation.tasks.workspace import find_workspace
    from goldspan.annotation.uploads import record_upload
    from goldspan.cli.shared.refusals import Refusals

    if repo_id.count("/") != 1:
        raise InputError(f"{repo_id!r} is no repository id; give owner/name.")
    workspace = find_workspace(data)
    sources = files or [workspace.training_samples]
    schema = load_labels(labels)
    refusals = Refusals()
    first = iter([refusals])

    def read() -> Iterator[Sample]:
        return read_samples(sources, schema, next(first, lambda error: None))

    with tempfile.TemporaryDirectory() as temporary:
        default = workspace.root / "releases" / repo_id.replace("/", "--") if dry_run else Path(temporary) / "release"
        with err.status("Measuring, splitting, writing …"):
            release = build_release(
                output_dir or default, repo_id, read, schema, test_ratio=test_split_ratio, licence=licence, seed=seed
            )
        address = ""
        if not dry_run:
            sent = (sample.sample_id for sample in read() if sample.best)
            with (
                err.status(f"Publishing to {repo_id} …"),
                record_upload(workspace.root, "data set", find_endpoint(), repo_id, sent) as record,
            ):
                address = publish_folder(
                    release.folder,
                    repo_id,
                    message=f"Goldspan: {format_count(release.samples, 'sample')}, {release.digest[:12]}",
                    create=create_repo,
                    private=not public,
                )
                record.complete(revision=address.rpartition("/")[2])
    if as_json:
        print_json(
            {
                "repository": repo_id,
                "samples": release.samples,
                "skipped": release.skipped,
                "digest": release.digest,
                "files": release.files,
                "flagged": [check.code for check in release.quality.flagged],
                "address": address,
                "folder": str(release.folder) if dry_run or output_dir else "",
            }
        )
    else:
        print_table(["file", "rows"], release.files.items(), right=(1,))
        if release.skipped:
            warn(f"{release.skipped} samples have no annotation and were left out.")
        if flags := [check.code for check in release.quality.flagged]:
            warn(f"The card shows flagged checks: {', '.join(flags)}.")
        if dry_run:
            say(f"{format_count(release.samples, 'sample')} written to {release.folder}. Nothing was published.")
        else:
            out.print(address)
            say(f"{format_count(release.samples, 'sample')} published to {repo_id}.")
    raise typer.Exit(refusals.exit_code)


ModelOption = Annotated[str, typer.Option("--repo-id", metavar="OWNER/NAME", help="The model on the Hub")]


@app.command("upload-model")
def upload_model(
    model: Annotated[Path, typer.Argument(metavar="MODEL", help="A model directory, or a name in models/")],
    repo_id: ModelOption,
    variant: Annotated[
        str, typer.Option(metavar="quantized|trained", help="What Goldspan opens, or what transformers loads by name")
    ] = "quantized",
    dataset_repo_id: Annotated[
        str, typer.Option(metavar="OWNER/NAME", help="Data set on the Hub that the card names as training data")
    ] = "",
    public: Annotated[bool, typer.Option("--public", help="Create a public repository")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Verify and list the files, publish nothing")] = False,
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """Publish a model directory whose signature holds, with its card.

    The repository is made if it does not exist, private unless --public.
    """
    _require_hub()
    import tempfile

    from goldspan.annotation.hub.client import find_endpoint
    from goldspan.annotation.tasks.workspace import find_workspace
    from goldspan.annotation.uploads import record_upload
    from goldspan.predictors.model.hub import stage_model
    from goldspan.predictors.model.hub import upload_model as publish
    from goldspan.privacy.stores.bundles import list_trained
    from goldspan.training.runs import find_model

    workspace = find_workspace(data)
    model = find_model(workspace, model)
    with tempfile.TemporaryDirectory() as folder:
        files = stage_model(model, Path(folder), variant, dataset_repo_id)
    address = ""
    if not dry_run:
        trained = list_trained(workspace, model)
        with record_upload(workspace.root, "model", find_endpoint(), repo_id, trained) as record:
            address = publish(model, repo_id, variant, dataset=dataset_repo_id, public=public)
            record.complete(revision=address.rpartition("/")[2])
    if as_json:
        print_json({"repository": repo_id, "variant": variant, "files": files, "address": address})
    else:
        for name in files:
            out.print(name)
        shown = format_count(len(files), "file")
        say(f"{shown}: nothing was published." if dry_run else f"{shown} published: {address}")


@app.command("download-model")
def download_model(
    output: Annotated[Path, typer.Argument(metavar="FOLDER", help="A new folder for the model directory")],
    repo_id: ModelOption,
    revision: Annotated[str | None, typer.Option(help="Branch, tag or commit")] = None,
    key: Annotated[str, typer.Option(help="Who may have signed it: a PEM file or a fingerprint")] = "",
    no_verify: Annotated[bool, typer.Option("--no-verify", help="Do not ask for a signature")] = False,
    as_json: JsonOption = False,
) -> None:
    """Fetch a model directory that `upload-model` published; the folder appears only when it was verified."""
    _require_hub()
    from goldspan.predictors.model.hub import download_model as fetch

    commit = fetch(repo_id, output, revision=revision, key=key, verify=not no_verify)
    if as_json:
        print_json({"repository": repo_id, "commit": commit, "folder": str(output)})
    else:
        say(f"{repo_id} (commit {commit[:12]}) → {output}")


def _require_hub() -> None:
    from goldspan.annotation.extras import require_packages

    require_packages("hub", "huggingface_hub", "datasets", "pyarrow")
