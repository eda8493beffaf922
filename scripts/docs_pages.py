"""MkDocs hook: pages of the site that stand elsewhere in the repository, and their links."""

from __future__ import annotations

import os
import re
from pathlib import Path, PurePosixPath
from typing import Any

from mkdocs.structure.files import File, Files

ROOT = Path(__file__).parent.parent
PAGES = {"README.md": "index.md", "CONTRIBUTING.md": "contributing.md", "examples/README.md": "examples.md"}
"""Files of the repository, and where they appear in `docs/`."""
_LINK = re.compile(r"(\]\()([^)\s#:]+)(#[^)]*)?(\))")
_IMAGE = re.compile(r'<img alt="([^"]*)" src="([^"]+)" width="(\d+)">')
"""An image with a width, which GitHub shows as HTML only; the site takes it as Markdown, whose links it adapts."""

_FENCE = re.compile(r"(^```.*?^```$)", re.DOTALL | re.MULTILINE)
_OUTSIDE = "outside:"
_OUTSIDE_LINK = re.compile(rf"\[[^\]]*\]\({_OUTSIDE}([^)]*)\)")


def on_files(files: Files, config: Any) -> Files:
    """Add the pages; that of the examples shows the programs themselves."""
    for source, page in PAGES.items():
        text = rewrite_links((ROOT / source).read_text(encoding="utf-8"), PurePosixPath(source))
        if page == "examples.md":
            text += "".join(show_program(path) for path in sorted((ROOT / "examples").rglob("*.py")))
        files.append(File.generated(config, page, content=text))
    return files


def on_page_markdown(markdown: str, page: Any, **_: Any) -> str:
    """Rewrite the links of the pages in `docs/`."""
    if page.file.src_uri in PAGES.values():
        return markdown
    return rewrite_links(markdown, PurePosixPath("docs") / page.file.src_uri)


def show_program(path: Path) -> str:
    """A section with the program's source."""
    name = path.relative_to(ROOT / "examples").as_posix()
    return f"\n## {name}\n\n```python\n{path.read_text(encoding='utf-8')}```\n"


def rewrite_links(text: str, source: PurePosixPath) -> str:
    """The text of a file of the repository with its links as they must be in the site.

    Links to pages of the site become relative to the page; links to other files of the repository become their paths.

    Raises:
        ValueError: a link leads nowhere.
    """
    page = PAGES.get(source.as_posix())
    depth = 0 if page else len(source.parts) - 2

    def rewrite(match: re.Match[str]) -> str:
        path = os.path.normpath(source.parent / match[2])
        target = ROOT / path
        if path.startswith("..") or not target.exists():
            raise ValueError(f"{source} links to {match[2]}, which is not there.")
        if (target / "README.md").exists():
            path += "/README.md"
        mapped = PAGES.get(path) or (
            path.removeprefix("docs/") if target.is_file() and path.startswith("docs/") else ""
        )
        return f"]({'../' * depth}{mapped}{match[3] or ''})" if mapped else f"]({_OUTSIDE}{path})"

    parts = _FENCE.split(_IMAGE.sub(r"![\1](\2){ width=\3 }", text))
    parts[::2] = [_OUTSIDE_LINK.sub(r"`\1`", _LINK.sub(rewrite, part)) for part in parts[::2]]
    return "".join(parts)
