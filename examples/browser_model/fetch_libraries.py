"""Fetch the two libraries of the page into `vendor/` with npm: onnxruntime-web (MIT), tokenizers.js (Apache-2.0).

Only files with the recorded SHA-256 are kept.

python examples/browser_model/fetch_libraries.py
"""

from __future__ import annotations

import hashlib
import subprocess
import tarfile
from pathlib import Path
from tempfile import TemporaryDirectory

PACKAGES = {
    "onnxruntime-web@1.30.0": {
        "ort.wasm.bundle.min.mjs": "11e64bd8ffe11bd1a2a2f0d6275fdfbbba7262f0b76b99b53d228a8a22ef3d90",
        "ort-wasm-simd-threaded.mjs": "e13f7f94fc51b4ca72b12faeb1ee95f4ace6dfbc8939bc718aabdc0a27c4299b",
        "ort-wasm-simd-threaded.wasm": "3398c10d07d229bd91b364548e130e0e51a8e5704b88c7c083ebbeb78842dee2",
    },
    "@huggingface/tokenizers@0.2.0": {
        "tokenizers.min.mjs": "258e46332101335ce8d95aed7745b19ac3b46d37f3e159a89cf894c2ea9b1d3a",
    },
}
"""The files that the page loads, and their SHA-256."""
VENDOR = Path(__file__).parent / "vendor"


def main() -> None:
    """Pack each package and keep the files that the page loads."""
    VENDOR.mkdir(exist_ok=True)
    for package, files in PACKAGES.items():
        with TemporaryDirectory() as folder:
            command = ["npm", "pack", "--silent", package, "--pack-destination", folder]
            subprocess.run(command, check=True, stdout=subprocess.DEVNULL, timeout=300)
            with tarfile.open(next(Path(folder).glob("*.tgz"))) as archive:
                for name, digest in files.items():
                    source = archive.extractfile(f"package/dist/{name}")
                    data = source.read() if source else b""
                    if hashlib.sha256(data).hexdigest() != digest:
                        raise SystemExit(f"{name} of {package} is not the file that was recorded.")
                    (VENDOR / name).write_bytes(data)
    print(f"The libraries are in {VENDOR}.")


if __name__ == "__main__":
    main()
