"""Tests never reach outside this machine, and share what is expensive to build."""

from __future__ import annotations

import gc
import ipaddress
import logging
import os
import shutil
import socket
import sys
from collections.abc import Generator, Iterator
from logging.handlers import BufferingHandler
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

from goldspan.annotation.labels.schema import LabelSchema, load_labels
from tests.shared import open_shared

settings.register_profile(
    "goldspan",
    max_examples=60,
    deadline=None,
    derandomize="CI" in os.environ,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.register_profile("thorough", settings.get_profile("goldspan"), max_examples=600, derandomize=False)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "goldspan"))


def pytest_addoption(parser: pytest.Parser) -> None:
    """Find what fails once in a while: `pytest --repeat 20 tests/serving`."""
    parser.addoption("--repeat", type=int, default=1, help="run each test this many times")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run each test as often as `--repeat` says."""
    if (times := metafunc.config.getoption("repeat")) > 1:
        metafunc.fixturenames.append("repetition")
        metafunc.parametrize("repetition", range(times))


def pytest_configure() -> None:
    """Make the folder of the run, and let modules be compiled once; workers start later and inherit both."""
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    sys.dont_write_bytecode = False
    open_shared()


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """Spare the garbage collector the modules and the thousands of tests, which live to the end."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.collect()
        gc.freeze()
        gc.set_threshold(20_000)
        gc.enable()


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


@pytest.fixture
def log_records() -> Iterator[list[logging.LogRecord]]:
    """What this process logs during the test, at every level."""
    root, handler = logging.getLogger(), BufferingHandler(sys.maxsize)
    level = root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    yield handler.buffer
    root.setLevel(level)
    root.removeHandler(handler)


@pytest.fixture(scope="session")
def labels() -> LabelSchema:
    """The label schema that ships with Goldspan."""
    return load_labels()


@pytest.fixture(scope="session")
def trained() -> Path:
    """The folder of a finished tiny run; not to be changed."""
    pytest.importorskip("torch")
    from tests.training.tiny_model import train_tiny

    return train_tiny()


@pytest.fixture
def model(trained: Path, tmp_path: Path) -> Path:
    """A copy of the tiny model directory that a test may change."""
    return Path(shutil.copytree(trained, tmp_path / "model"))
