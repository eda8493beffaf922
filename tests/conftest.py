"""Tests never reach outside this machine."""

from __future__ import annotations

import ipaddress
import os
import socket
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

from goldspan.annotation.labels.schema import LabelSchema, load_labels

settings.register_profile(
    "goldspan",
    deadline=None,
    derandomize="CI" in os.environ,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("goldspan")


class OutsideConnectionError(AssertionError):
    """A test tried to reach another machine."""


def is_loopback(address: Any) -> bool:
    """True for 127.0.0.0/8, ::1, localhost and local sockets."""
    if not isinstance(address, tuple):
        return True
    try:
        return ipaddress.ip_address(address[0]).is_loopback
    except ValueError:
        return address[0] in {"localhost", ""}


@pytest.fixture(autouse=True)
def forbid_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    """Connections of this process to anything but loopback fail the test."""
    connect, connect_ex = socket.socket.connect, socket.socket.connect_ex

    def guarded(original: Any) -> Any:
        def call(self: socket.socket, address: Any) -> Any:
            if not is_loopback(address):
                raise OutsideConnectionError(f"A test tried to reach {address}")
            return original(self, address)

        return call

    monkeypatch.setattr(socket.socket, "connect", guarded(connect))
    monkeypatch.setattr(socket.socket, "connect_ex", guarded(connect_ex))


@pytest.fixture(autouse=True)
def forget_origins(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """The user's own configuration is neither read nor written."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path_factory.mktemp("config", numbered=True)))


@pytest.fixture(scope="session")
def labels() -> LabelSchema:
    """The label schema that ships with Goldspan."""
    return load_labels()
