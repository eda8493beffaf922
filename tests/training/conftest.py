from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def causal_base() -> Path:
    """The folder of a tiny causal language model, trained; not to be changed."""
    pytest.importorskip("torch")
    pytest.importorskip("transformers")
    from tests.training.models.causal.tiny_base import train_base

    return train_base()


@pytest.fixture(scope="session")
def causal_chat_base() -> Path:
    """The folder of a tiny causal language model that has seen tagged answers, but no questions."""
    pytest.importorskip("torch")
    pytest.importorskip("transformers")
    from tests.training.models.causal.tiny_base import train_base

    return train_base(120, chats=True)
