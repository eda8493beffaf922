"""Addresses with a scheme."""

from __future__ import annotations

import pytest

from goldspan.annotation.errors import InputError
from goldspan.annotation.remote import open_remote


@pytest.mark.parametrize(
    ("address", "reason"),
    [
        ("ftp://127.0.0.1:1/folder", "cannot be reached"),
        ("nothing://folder", "is no folder that can be read"),
        ("s3://user:word@bucket/folder", "carries a password"),
    ],
)
def test_an_address_that_cannot_be_used_is_refused_with_the_reason(address: str, reason: str) -> None:
    with pytest.raises(InputError, match=reason) as caught:
        open_remote(address)
    assert "word" not in str(caught.value).replace("password", "")
