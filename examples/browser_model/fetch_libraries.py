"""Fetch the two libraries of the page into `vendor/` with npm: onnxruntime-web (MIT), tokenizers.js (Apache-2.0).

python examples/browser_model/fetch_libraries.py
"""

from __future__ import annotations

import subprocess
import tarfile
from pathlib import Path
from tempfile import TemporaryDirectory

PACKAGES = {
    "onnxruntime-web@1.30.0": ("ort.wasm.bundle.min.mjs", "ort-wasm-simd-threaded.mjs", "ort-wasm-simd-threaded.wasm"),
    "@huggingface/tokenizers@0.2.0": ("tokenizers.min.mjs",),
}
VENDOR = Path(__file__).parent / "vendor"


def main() -> None:
    """Pack each package and keep the files that the page loads."""
    VENDOR.mkdir(exist_ok=True)
    for package, names in PACKAGES.items():
        with TemporaryDirectory() as folder:
            command = ["npm", "pack", "--silent", package, "--pack-destination", folder]
            subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
            with tarfile.open(next(Path(folder).glob("*.tgz"))) as archive:
                for name in names:
                    source = archive.extractfile(f"package/dist/{name}")
                    if source is None:
                        raise SystemExit(f"{package} has no {name}.")
                    (VENDOR / name).write_bytes(source.read())
    print(f"The libraries are in {VENDOR}.")


if __name__ == "__main__":
    main()
