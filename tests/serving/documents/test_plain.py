from __future__ import annotations

import codecs

import pytest

from goldspan.annotation.errors import InputError
from tests.serving.documents.conftest import FileMasker


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
@pytest.mark.parametrize("name", ["a.txt", "a.md"])
def test_encoding_and_line_ends_stay(mask: FileMasker, name: str, encoding: str) -> None:
    written = mask(name, "# Zoë Müller\r\n\r\nsaid: Ann\rBob\n".encode(encoding))
    assert written.decode(encoding) == "# [FIRSTNAME_1] [SURNAME_1]\r\n\r\nsaid: [FIRSTNAME_2]\r[FIRSTNAME_3]\n"
    assert written.startswith(codecs.BOM_UTF8) == (encoding == "utf-8-sig")


def test_big_endian_stays(mask: FileMasker) -> None:
    written = mask("a.txt", codecs.BOM_UTF16_BE + "Ann.".encode("utf-16-be"))
    assert written == codecs.BOM_UTF16_BE + "[FIRSTNAME_1].".encode("utf-16-be")


def test_other_encodings_are_refused_without_an_output(mask: FileMasker) -> None:
    with pytest.raises(InputError, match="not UTF-8"):
        mask("a.txt", "Zoë".encode("latin-1"))
    assert not (mask.folder / "out-a.txt").exists()
    assert [file.name for file in mask.folder.iterdir()] == ["a.txt"]
