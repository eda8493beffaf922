"""The virtual environment that Label Studio runs in.

Label Studio pins libraries that conflict with ours, so it never shares our environment. Its own is created once from
the pinned `requirements.txt` beside this module (files are held against the hashes of `hashed-requirements.txt`) and
shared by all workspaces of the user:

    $GOLDSPAN_CACHE/label-studio/<fingerprint>/    (or ~/.cache/goldspan/…)
    ├── env/                     the virtual environment
    └── template.sqlite3         an empty database with all migrations applied; a new workspace copies it
"""

from __future__ import annotations

import hashlib
import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock

from goldspan.annotation.errors import ServiceError

REQUIREMENTS = Path(__file__).with_name("requirements.txt")
HASHED = Path(__file__).with_name("hashed-requirements.txt")
"""The same pins with the SHA-256 of every file that may be installed (`make hashes` writes it)."""

SOURCES = ("attr", "django-ranged-fileresponse", "drf-flex-fields", "drf-generators", "ordered-set")
"""Packages of which there are no wheels; nothing else is built from source."""

OnStatus = Callable[[str], None]

_PASSED_ON = ("PATH", "LANG", "LC_ALL", "LC_CTYPE", "TZ", "TMPDIR", "SYSTEMROOT", "SSL_CERT_FILE", "SSL_CERT_DIR")
_ENTRY = "import gc, sys; gc.set_threshold(50_000, 50, 100); from label_studio.server import main; sys.exit(main())"
"""Label Studio's program. Python's default thresholds spend two fifths of the migrations on garbage collection."""


@dataclass(frozen=True, slots=True)
class Environment:
    """Where Label Studio is installed."""

    folder: Path

    @property
    def python(self) -> Path:
        """The interpreter that has Label Studio."""
        return find_python(self.folder / "env")

    @property
    def template(self) -> Path:
        """The migrated, empty SQLite database."""
        return self.folder / "template.sqlite3"

    def command(self, *arguments: str) -> list[str]:
        """The command line that runs `label-studio` with these arguments."""
        return [str(self.python), "-c", _ENTRY, *arguments]


def find_cache() -> Path:
    """The user's cache folder of Goldspan."""
    return Path(os.environ.get("GOLDSPAN_CACHE") or Path.home() / ".cache" / "goldspan").absolute()


def find_python(environment: Path) -> Path:
    """The interpreter of a virtual environment."""
    return environment / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


def compute_fingerprint() -> str:
    """Fingerprint of the environment's inputs (requirements, Python, machine), 16 hex digits."""
    parts = (
        REQUIREMENTS.read_bytes(),
        platform.python_version().encode(),
        f"{sys.platform} {platform.machine()}".encode(),
    )
    return hashlib.sha256(b"\n".join(parts)).hexdigest()[:16]


def prepare_environment(progress: OnStatus = lambda _: None) -> Environment:
    """The environment with Label Studio, created on first use.

    Safe to call from several processes at once: one builds, the others wait.

    Raises:
        ServiceError: the packages could not be installed.
    """
    environment = Environment(find_cache() / "label-studio" / compute_fingerprint())
    if not environment.python.exists():
        environment.folder.mkdir(parents=True, exist_ok=True)
        with FileLock(environment.folder / "lock"):
            if not environment.python.exists():
                progress("Installing Label Studio into an environment of its own (once; about 800 MB on disk)")
                install_packages(
                    environment.folder / "env",
                    HASHED,
                    SOURCES,
                    advice="Label Studio's packages could not be installed. Check the network and free disk space "
                    f"(800 MB in {environment.folder}), then run the same command again.",
                )
    return environment


def prepare_template(environment: Environment, progress: OnStatus = lambda _: None) -> Path:
    """An empty SQLite database with all of Label Studio's migrations applied, created on first use.

    Raises:
        ServiceError: Label Studio could not make its database.
    """
    with FileLock(environment.folder / "lock"):
        if not environment.template.exists():
            progress("Preparing Label Studio's database (once; about a minute)")
            _make_template(environment)
    return environment.template


def find_uv() -> str | None:
    """The `uv` program: beside this interpreter, on PATH, or in `./.uv/bin`."""
    beside = [str(Path(sys.executable).parent), os.environ.get("PATH", ""), str(Path(".uv/bin").absolute())]
    return shutil.which("uv", path=os.pathsep.join(beside))


def build_quiet_variables(home: Path) -> dict[str, str]:
    """Environment variables of every Label Studio run: a few of the caller's, telemetry off.

    The caller's other variables stay out: Label Studio reads unprefixed names such as `USERNAME` and `PASSWORD`.
    """
    passed_on = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
    return passed_on | {
        "HOME": str(home),
        "PYTHONUNBUFFERED": "1",
        "COLLECT_ANALYTICS": "false",
        "LATEST_VERSION_CHECK": "false",
        "SENTRY_DSN": "",
        "FRONTEND_SENTRY_DSN": "",
    }


def install_packages(target: Path, hashed: Path, sources: Sequence[str] = (), *, advice: str) -> None:
    """Create the virtual environment `target` with the packages of a requirements file with hashes.

    Nothing but the recorded files is installed, and only the packages of `sources` are built from source. The folder
    is there only once everything is in it. `advice` begins the error.

    Raises:
        ServiceError: the packages could not be installed.
    """
    building = target.with_name(f"{target.name}.{os.getpid()}.tmp")
    shutil.rmtree(building, ignore_errors=True)
    uv = find_uv()
    python = str(find_python(building))
    options = ["--quiet", "--require-hashes", "--only-binary", ":all:"]
    options += [option for name in sources for option in ("--no-binary", name)]
    if uv:
        commands = [
            [uv, "venv", "--quiet", "--python", sys.executable, str(building)],
            [uv, "pip", "install", "--python", python, *options, "--requirements", str(hashed)],
        ]
    else:
        commands = [
            [sys.executable, "-m", "venv", str(building)],
            [python, "-m", "pip", "install", "--disable-pip-version-check", *options, "-r", str(hashed)],
        ]
    variables = {name: value for name, value in os.environ.items() if name not in {"VIRTUAL_ENV", "PYTHONPATH"}}
    try:
        for command in commands:
            _run(command, variables, advice)
        building.rename(target)
    finally:
        shutil.rmtree(building, ignore_errors=True)


def _make_template(environment: Environment) -> None:
    building = environment.folder / f"template.{os.getpid()}.tmp"
    shutil.rmtree(building, ignore_errors=True)
    building.mkdir()
    try:
        _run(
            environment.command("version", "--data-dir", str(building)),
            build_quiet_variables(building),
            f"Label Studio could not make its database. Delete {environment.folder} and run the same command again.",
        )
        (building / "label_studio.sqlite3").rename(environment.template)
    finally:
        shutil.rmtree(building, ignore_errors=True)


def _run(command: Sequence[str], variables: Mapping[str, str], advice: str) -> None:
    done = subprocess.run(command, env=dict(variables), capture_output=True, text=True, errors="replace", check=False)
    if done.returncode != 0:
        reason = "\n".join((done.stderr or done.stdout).strip().splitlines()[-6:])
        raise ServiceError(f"{advice}\n{reason}")
