from __future__ import annotations

import pytest

from goldspan.annotation.locks import try_lock


def test_a_lock_is_held_once_and_free_again(tmp_path):
    path = tmp_path / "lock"
    held = try_lock(path)
    assert held is not None
    assert try_lock(path) is None
    held.release()
    again = try_lock(path)
    assert again is not None
    again.release()


def test_a_link_in_place_of_a_lock_is_refused_and_its_target_untouched(tmp_path):
    target = tmp_path / "precious"
    target.write_text("kept")
    (tmp_path / "lock").symlink_to(target)
    with pytest.raises(OSError, match="link"):
        try_lock(tmp_path / "lock")
    assert target.read_text() == "kept"
