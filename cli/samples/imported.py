"""Import files into one file of samples, and show what became of them."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from goldspan.annotation.errors import InputError
from goldspan.annotation.labels.schema import LabelSchema, is_code
from goldspan.cli.shared.console import out, print_json, say, warn
from goldspan.cli.shared.outputs import refuse_existing
from goldspan.cli.shared.refusals import Refusals

if TYPE_CHECKING:
    from goldspan.annotation.formats.importing import ImportOptions, ImportReport
    from goldspan.annotation.types import Sample

_CODE = 2
"""Characters of a language code; a longer name is that of a script."""

_SHOWN = 20
"""Refused records that the terminal shows."""
_NAMED = 10
"""Files that are named each with its format."""
_LONG = 10_000
"""Characters beyond which a text is tiring to annotate whole."""


def import_into(
    target: Path, files: Iterable[Path], schema: LabelSchema, options: ImportOptions, *, force: bool, as_json: bool
) -> int:
    """Import files into one file of samples, and show what became of them; returns the exit code.

    Raises:
        InputError: a file is missing, the output exists, or there is no sample in the files.
    """
    from goldspan.annotation.formats.importing import ImportReport, import_files
    from goldspan.annotation.tasks.store import write_samples

    for file in files:
        if not file.exists():
            from goldspan.annotation.files import suggest_path

            raise InputError(f"There is no file {file}.{suggest_path(file)}")
    refuse_existing(target, force=force)
    refusals, report = Refusals(), ImportReport()
    samples = list(import_files(files, schema, options, refusals, report))
    draft = _write_draft(target, report, schema)
    rejections = _write_rejections(target, refusals) if samples or len(refusals.errors) > _SHOWN else None
    if not samples:
        hint = f" Complete {draft} and give it with --labels-map, or add the labels to the schema." if draft else ""
        raise InputError(
            f"{', '.join(map(str, files))} gave no sample ({len(refusals.errors)} refused). Nothing was written.{hint}"
        )
    written = write_samples(target, samples, schema, refusals, replace=force)
    strange = _count_other_languages(samples)
    if as_json:
        print_json(
            {
                "file": str(target),
                "written": written,
                "refused": [str(error) for error in refusals.errors],
                "rows": report.rows,
                "joined": report.joined,
                "spans": report.spans,
                "formats": {file: found._asdict() for file, found in report.detected.items()},
                "taxonomies": report.taxonomies,
                "unmapped": dict(report.unmapped),
                "nested": dict(report.nested),
                "left_out": dict(report.left_out),
                "unknown_labels": dict(report.unknown),
                "other_language": {f"{said} {found}": count for (said, found), count in strange.items()},
                "rejections": str(rejections or ""),
                "labels_draft": str(draft or ""),
            }
        )
        return refusals.exit_code
    _show_report(report, written, refusals, rejections, target, options)
    if long := sum(len(sample.text) > _LONG for sample in samples):
        warn(f"{long} texts have more than {_LONG:,} characters: slow to annotate. --split-over 4000 splits them.")
    _warn_of_languages(strange, len(samples), options.language)
    if any(not sample.language for sample in samples):
        warn("Some samples have no language. Give --language, or a column language.")
    say(f"Next: goldspan samples check {target} · goldspan annotate {target} · goldspan studio push {target}")
    return refusals.exit_code


def _show_report(
    report: ImportReport,
    written: int,
    refusals: Refusals,
    rejections: Path | None,
    target: Path,
    options: ImportOptions,
) -> None:
    if len(report.detected) > _NAMED:
        for name, count in Counter(found.format for found in report.detected.values()).most_common():
            say(f"{count} files read as {name}.")
    else:
        for name, found in report.detected.items():
            sureness = "" if options.format != "auto" else f" ({found.sureness:.0%} sure)"
            say(f"{name}: read as {found.format}{sureness}.")
    say(f"{written} samples with {report.spans} entities → {target}; {len(refusals.errors)} refused.")
    if report.joined:
        say(f"Rows joined to an earlier row of the same text, as the work of another annotator: {report.joined}.")
    for counts, what in (
        (report.unmapped, "Spans left out because their label has no counterpart"),
        (report.nested, "Spans left out because they lie in others"),
        (report.left_out, "Annotations of layers that are not read"),
    ):
        if counts:
            say(f"{what}: {', '.join(f'{name} {count}' for name, count in sorted(counts.items()))}.")
    if rejections:
        say(f"Refused records: {rejections}")
    if report.split:
        say(f"{report.split} texts were split into parts of at most {options.split_over} characters.")


def _write_draft(target: Path, report: ImportReport, schema: LabelSchema) -> Path | None:
    """Write a mapping of the unknown labels to complete, beside the output; print it."""
    from goldspan.annotation.files import write_atomic
    from goldspan.annotation.formats.mapping import draft_mapping, render_draft

    if not report.unknown:
        return None
    path = target.with_name(f"{target.stem}.labels.toml")
    text = render_draft(draft_mapping(list(report.unknown), schema))
    write_atomic(path, text.encode())
    counts = ", ".join(f"{label} ({count} rows)" for label, count in report.unknown.most_common(20))
    warn(f"Labels that nothing maps: {counts}. A draft mapping to complete for --labels-map: {path}")
    out.out(text, highlight=False)
    codes = dict.fromkeys(re.sub(r"\W+", "_", name).strip("_").upper() for name in report.unknown)
    if addable := [code for code in codes if is_code(code)]:
        say(f"To add them to the label schema instead: goldspan labels add {' '.join(addable)}")
    return path


def _write_rejections(target: Path, refusals: Refusals) -> Path | None:
    import orjson

    from goldspan.annotation.files import write_atomic

    if not refusals.errors:
        return None
    path = target.with_name(f"{target.stem}.rejections.jsonl")
    lines = (
        orjson.dumps(
            {"file": error.file, "line": error.line, "pointer": error.pointer, "reason": error.reason},
            option=orjson.OPT_APPEND_NEWLINE,
        )
        for error in refusals.errors
    )
    write_atomic(path, b"".join(lines))
    return path


def _count_other_languages(samples: Iterable[Sample]) -> Counter[tuple[str, str]]:
    """Texts by the language that they are said to be in and the one that they clearly are in instead."""
    from goldspan.annotation.text.language import find_other_language

    found = ((sample.language, find_other_language(sample.text, sample.language)) for sample in samples)
    return Counter((said, other) for said, other in found if other)


def _warn_of_languages(strange: Counter[tuple[str, str]], samples: int, given: str) -> None:
    for (said, found), count in strange.most_common(3):
        known = said == given and len(found) == _CODE
        cure = f"import again with --language {found} --force" if known else "correct the language in the file"
        warn(f"{count} of {samples} texts said to be {said!r} look like {found!r}. If so, {cure}.")
