"""Words of messages."""

from __future__ import annotations

import pytest

from goldspan.annotation.wording import describe_error, format_count


def test_counts() -> None:
    assert [format_count(number, "sample") for number in (0, 1, 2000)] == ["0 samples", "1 sample", "2,000 samples"]
    assert [format_count(number, "entity") for number in (1, 2)] == ["1 entity", "2 entities"]


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (PermissionError(13, "Permission denied", "/a/b"), "Permission denied"),
        (OSError("no room."), "no room"),
        (ValueError("first\nsecond"), "first"),
        (TimeoutError(), "TimeoutError"),
    ],
)
def test_errors_are_said_without_number_and_path(error: Exception, said: str) -> None:
    assert describe_error(error) == said
