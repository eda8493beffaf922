"""The documentation site: built strictly from the repository's Markdown, complete, without outside resources."""

from __future__ import annotations

import importlib.util
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path, PurePosixPath
from types import ModuleType

import pytest

ROOT = Path(__file__).parent.parent
MKDOCS = Path(sys.executable).with_name("mkdocs")
LOADED = re.compile(
    r"""<(?:script|img|iframe)[^>]+src="(https?:)?//|<link[^>]+rel="(?:stylesheet|preconnect)"[^>]+//"""
)


def build(root: Path, site: Path) -> subprocess.CompletedProcess[str]:
    command = [MKDOCS, "build", "--strict", "--site-dir", site]
    return subprocess.run(command, cwd=root, capture_output=True, text=True, timeout=120)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    site = tmp_path_factory.mktemp("site")
    done = build(ROOT, site)
    assert done.returncode == 0, done.stderr
    return site


@pytest.fixture(scope="module")
def pages() -> ModuleType:
    spec = importlib.util.spec_from_file_location("docs_pages", ROOT / "scripts" / "docs_pages.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_site_loads_nothing_from_elsewhere(site: Path) -> None:
    html = sorted(site.rglob("*.html"))
    assert len(html) > 15
    for page in html:
        assert not LOADED.search(page.read_text("utf-8")), page
    for style in site.rglob("*.css"):
        assert "url(http" not in style.read_text("utf-8"), style


def test_every_image_is_there(site: Path) -> None:
    missing = []
    for page in site.rglob("index.html"):
        for source in re.findall(r'<img[^>]+src="([^":]+)"', page.read_text("utf-8")):
            if not (page.parent / source).is_file():
                missing.append(f"{page.relative_to(site)}: {source}")
    assert missing == []


def test_every_page_can_be_searched(site: Path) -> None:
    found = {
        entry["location"].partition("#")[0]
        for entry in json.loads((site / "search/search_index.json").read_text())["docs"]
    }
    expected = {"", "concepts/", "architecture/", "python-api/", "reference/cli/", "reference/python/", "examples/"}
    assert expected <= found


def test_every_markdown_file_is_a_page(site: Path) -> None:
    for page in (ROOT / "docs").rglob("*.md"):
        assert (site / page.relative_to(ROOT / "docs").with_suffix("") / "index.html").exists(), page


@pytest.mark.parametrize("broken", ["[there](guide/nowhere.md)", "[part](guide/labels.md#nowhere)"])
def test_a_broken_link_fails_the_build(tmp_path: Path, broken: str) -> None:
    for name in ("docs", "scripts", "examples"):
        shutil.copytree(ROOT / name, tmp_path / name)
    for name in ("mkdocs.yml", "README.md", "CONTRIBUTING.md", "SECURITY.md"):
        shutil.copy(ROOT / name, tmp_path)
    for folder in ROOT.iterdir():
        if folder.is_dir() and not folder.name.startswith(".") and not (tmp_path / folder.name).exists():
            (tmp_path / folder.name).symlink_to(folder)
    with (tmp_path / "docs" / "concepts.md").open("a") as stream:
        stream.write(f"\n{broken}\n")
    done = build(tmp_path, tmp_path / "site")
    assert done.returncode != 0
    assert "nowhere" in done.stderr


@pytest.mark.parametrize(
    ("source", "link", "expected"),
    [
        ("README.md", "[a](docs/guide/labels.md#a-label)", "[a](guide/labels.md#a-label)"),
        ("README.md", "[a](CONTRIBUTING.md)", "[a](contributing.md)"),
        ("README.md", "[a](examples)", "[a](examples.md)"),
        ("README.md", "[a](docs/adr)", "`docs/adr`"),
        ("docs/guide/labels.md", "[a](../../schemas/labels.toml)", "`schemas/labels.toml`"),
        ("docs/guide/labels.md", "[a](studio.md)", "[a](../guide/studio.md)"),
        ("docs/guide/labels.md", "![a](../images/task.png)", "![a](../images/task.png)"),
        ("docs/guide/labels.md", "[a](https://example.org/x)", "[a](https://example.org/x)"),
        ("docs/guide/labels.md", "```\n[a](nowhere)\n```", "```\n[a](nowhere)\n```"),
    ],
)
def test_links_are_rewritten_for_the_site(pages: ModuleType, source: str, link: str, expected: str) -> None:
    assert pages.rewrite_links(link, PurePosixPath(source)) == expected
