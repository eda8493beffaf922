"""What an import did: printed, or as JSON; the files that it writes beside the samples."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from goldspan.annotation.labels.schema import LabelSchema, is_code
from goldspan.annotation.wording import format_count
from goldspan.cli.shared.console import out, quote, say, warn
from goldspan.cli.shared.refusals import Refusals

if TYPE_CHECKING:
    from goldspan.annotation.formats.importing import ImportOptions, ImportReport
    from goldspan.annotation.types import Sample

_NAMED = 10
"""Files that are named each with its format."""
_LONG = 10_000
"""Characters beyond which a text is tiring to annotate whole."""
_CODE = 2
"""Characters of a language code; a longer name is that of a script."""


@dataclass(slots=True)
class TextTally:
    """Counts texts that are long, have no language, or clearly are in another one than they say."""

    texts: int = 0
    long: int = 0
    unnamed: int = 0
    strange: Counter[tuple[str, str]] = field(default_factory=Counter)

    def watch(self, samples: Iterable[Sample]) -> Iterator[Sample]:
        """The samples, each counted as it passes."""
        from goldspan.annotation.text.language import find_other_language

        for sample in samples:
            self.texts += 1
            self.long += len(sample.text) > _LONG
            self.unnamed += not sample.language
            if other := find_other_language(sample.text, sample.language):
                self.strange[sample.language, other] += 1
            yield sample

    def show(self, language: str) -> None:
        """Warn of what was counted; `language` is the one that was given."""
        if self.long:
            slow = f"{self.long} texts have more than {_LONG:,} characters: slow to annotate."
            warn(f"{slow} --split-over 4000 splits them.")
        for (said, found), count in self.strange.most_common(3):
            known = said == language and len(found) == _CODE
            cure = f"import again with --language {found} --force" if known else "correct the language in the file"
            warn(f"{count} of {self.texts} texts said to be {said!r} look like {found!r}. If so, {cure}.")
        if self.unnamed:
            warn("Some samples have no language. Give --language, or a column language.")


@dataclass(slots=True)
class ImportResult:
    """An import that wrote samples: `draft` and `rejections` are the files beside them, if there are any."""

    target: Path
    written: int
    report: ImportReport
    tally: TextTally
    refusals: Refusals
    options: ImportOptions
    draft: Path | None = None
    rejections: Path | None = None

    def to_json(self) -> dict[str, Any]:
        """Everything by name."""
        report = self.report
        return {
            "file": str(self.target),
            "written": self.written,
            "refused": [str(error) for error in self.refusals.errors],
            "rows": report.rows,
            "joined": report.joined,
            "spans": report.spans,
            "formats": {file: found._asdict() for file, found in report.detected.items()},
            "taxonomies": report.taxonomies,
            "unmapped": dict(report.unmapped),
            "nested": dict(report.nested),
            "left_out": dict(report.left_out),
            "unknown_labels": dict(report.unknown),
            "other_language": {f"{said} {found}": count for (said, found), count in self.tally.strange.items()},
            "rejections": str(self.rejections or ""),
            "labels_draft": str(self.draft or ""),
        }

    def show(self) -> None:
        """Print formats, counts, what was left out, and what to do next."""
        report = self.report
        if len(report.detected) > _NAMED:
            for name, count in Counter(found.format for found in report.detected.values()).most_common():
                say(f"{format_count(count, 'file')} read as {name}.")
        else:
            for name, found in report.detected.items():
                sureness = "" if self.options.format != "auto" else f" ({found.sureness:.0%} sure)"
                say(f"{name}: read as {found.format}{sureness}.")
        refused = len(self.refusals.errors)
        written = f"{format_count(self.written, 'sample')} with {format_count(report.spans, 'entity')}"
        say(f"{written} → {self.target}; {refused} refused.")
        if report.joined:
            say(f"Rows joined to an earlier row of the same text, as the work of another annotator: {report.joined}.")
        for counts, what in (
            (report.unmapped, "Spans left out because their label has no counterpart"),
            (report.nested, "Spans left out because they lie in others"),
            (report.left_out, "Annotations of layers that are not read"),
        ):
            if counts:
                say(f"{what}: {', '.join(f'{name} {count}' for name, count in sorted(counts.items()))}.")
        if self.rejections:
            say(f"Refused records: {self.rejections}")
        if report.split:
            say(f"{report.split} texts were split into parts of at most {self.options.split_over} characters.")
        self.tally.show(self.options.language)
        file = quote(self.target)
        say(f"Next: goldspan samples check {file} · goldspan annotate {file} · goldspan studio push {file}")


def write_draft(target: Path, report: ImportReport, schema: LabelSchema) -> Path | None:
    """Write a mapping of the unknown labels to complete, beside the output; print it."""
    from goldspan.annotation.files import write_atomic
    from goldspan.annotation.formats.mapping import draft_mapping, render_draft

    if not report.unknown:
        return None
    path = target.with_name(f"{target.stem}.labels.toml")
    text = render_draft(draft_mapping(list(report.unknown), schema))
    write_atomic(path, text.encode())
    counts = ", ".join(f"{label} ({format_count(count, 'row')})" for label, count in report.unknown.most_common(20))
    warn(f"Labels that nothing maps: {counts}. A draft mapping to complete for --labels-map: {path}")
    out.print(text)
    codes = dict.fromkeys(re.sub(r"\W+", "_", name).strip("_").upper() for name in report.unknown)
    if addable := [code for code in codes if is_code(code)]:
        say(f"To add them to the label schema instead: goldspan labels add {' '.join(addable)}")
    return path


def write_rejections(target: Path, refusals: Refusals) -> Path | None:
    """Write the refused records beside the output."""
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
