from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import httpx2
import openai
import pytest

from goldspan.annotation.environment import read_env_file
from goldspan.annotation.errors import ConfigurationError, TerminalServiceError
from goldspan.annotation.labels.schema import load_labels
from goldspan.annotation.tasks.workspace import Workspace
from goldspan.generators.providers.budget import Budget, Prices, count_prompt_tokens, estimate_usage
from goldspan.generators.providers.client import Rejected, Throttled, read_status_error
from goldspan.generators.providers.credentials import find_key
from goldspan.generators.providers.live.pool import LiveLimits
from goldspan.generators.providers.profiles import find_profile
from goldspan.generators.providers.protocol import Answer
from goldspan.generators.providers.waiting import describe_wait, read_retry_after
from goldspan.generators.runs.executors import ExecutionOptions, find_prices, normalise_url, read_limits
from goldspan.generators.runs.folder import begin_run, open_run
from goldspan.generators.runs.public import complete_settings
from goldspan.generators.runs.run import Limits
from goldspan.generators.runs.settings import RunSettings
from tests.generators.scripted import make_settings


@pytest.mark.parametrize(
    ("given", "base"),
    [
        ("http://127.0.0.1:1", "http://127.0.0.1:1/v1"),
        ("http://127.0.0.1:1/", "http://127.0.0.1:1/v1"),
        ("http://127.0.0.1:1/v1", "http://127.0.0.1:1/v1"),
        ("http://127.0.0.1:1/v1/chat/completions", "http://127.0.0.1:1/v1"),
        ("https://host/ai/v1/chat/completions/", "https://host/ai/v1"),
        ("https://host/openai/deployments", "https://host/openai/deployments"),
    ],
)
def test_addresses_come_to_their_base(given, base):
    assert normalise_url(given) == base


@pytest.mark.parametrize("given", ["", "host:1", "ftp://host", "http://", "http://[::1", "http://a]b"])
def test_what_is_no_address_is_refused(given):
    with pytest.raises(ConfigurationError, match="not a URL"):
        normalise_url(given)


def test_key_comes_from_the_environment_then_the_file_and_is_not_needed_here(tmp_path, monkeypatch):
    profile, file = find_profile("doubleword"), tmp_path / ".env"
    monkeypatch.delenv("DOUBLEWORD_API_KEY", raising=False)
    assert find_key(profile, "http://127.0.0.1:1/v1", file) == "none"
    with pytest.raises(ConfigurationError, match="set DOUBLEWORD_API_KEY"):
        find_key(profile, "https://host/v1", file)
    file.write_text("# keys\nexport DOUBLEWORD_API_KEY='of the file'\nnonsense\n")
    assert find_key(profile, "https://host/v1", file) == "of the file"
    assert read_env_file(file) == {"DOUBLEWORD_API_KEY": "of the file"}
    monkeypatch.setenv("DOUBLEWORD_API_KEY", "of the environment")
    assert find_key(profile, "https://host/v1", file) == "of the environment"


def test_prices_are_those_given_else_the_tier_s():
    assert find_prices(make_settings(provider="offline")) == Prices()
    batch = find_prices(make_settings(provider="doubleword", mode="batch"))
    live = find_prices(make_settings(provider="doubleword", mode="live"))
    assert 0 < batch.prompt < live.prompt
    given = find_prices(make_settings(provider="openai", price_in=1.0, price_out=2.0))
    assert given.cost(1_000_000, 500_000) == 2.0


def test_budget_counts_what_is_on_its_way():
    budget = Budget(Prices(1.0, 1.0), max_tokens=1000)
    assert budget.reserve_tokens("a", 300, 300)
    assert not budget.reserve_tokens("b", 300, 300)
    budget.release("a")
    assert budget.reserve_tokens("b", 300, 300)
    assert budget.settle(Answer("b", tokens_in=50, tokens_out=50), "draft") == 0.0001
    assert budget.settle(Answer("c", tokens_in=0, tokens_out=0), "draft") == 0.0
    assert budget.reserve_tokens("d", 450, 450)


def make_error(status: int, body: dict | None = None, **headers: str) -> openai.APIStatusError:
    request = httpx2.Request("POST", "http://127.0.0.1:1/v1/chat/completions")
    response = httpx2.Response(status, headers={k.replace("_", "-"): v for k, v in headers.items()}, request=request)
    return openai.APIStatusError("said", response=response, body=body)


def test_statuses_in_our_words():
    throttled = read_status_error(make_error(429, retry_after="3"), "u")
    assert isinstance(throttled, Throttled)
    assert throttled.retry_after == 3.0
    for status in (401, 402, 403, 404):
        assert isinstance(read_status_error(make_error(status), "u"), TerminalServiceError)
    spent = read_status_error(make_error(429, {"code": "insufficient_quota"}), "u")
    assert isinstance(spent, TerminalServiceError)
    assert type(read_status_error(make_error(400), "u")) is Rejected


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ("too long", "said - too long"),
        ({"error": "too long"}, "said - too long"),
        (
            {"detail": [{"loc": ["body", "seed"], "msg": "not permitted", "input": "Ann Lee"}]},
            "said - body.seed not permitted",
        ),
        ("<html>Bad gateway</html>", "said"),
        (None, "said"),
    ],
)
def test_the_servers_own_words_are_kept(body, words):
    assert str(read_status_error(make_error(422, body), "u")) == words


def test_retry_after_in_each_of_its_forms():
    later = datetime.now(UTC) + timedelta(seconds=60)
    assert read_retry_after({}) is None
    assert read_retry_after({"retry-after-ms": "1500", "retry-after": "9"}) == 1.5
    assert read_retry_after({"retry-after": "2.5"}) == 2.5
    assert 55 < (read_retry_after({"retry-after": format_datetime(later, usegmt=True)}) or 0) <= 60
    assert read_retry_after({"retry-after": "soon"}) is None
    assert read_retry_after({"retry-after": "nan"}) is None
    assert read_retry_after({"retry-after": "-5"}) == 0


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(360, "6 minutes, until"), (7200, "2.0 hours, until"), (86_400 * 3, "3 days"), (float("inf"), "without end")],
)
def test_waits_are_named(seconds, said):
    assert describe_wait(seconds).startswith(said)


def test_a_run_remembers_the_limits_of_its_pool(tmp_path):
    settings = RunSettings("compatible", 2, model="m", mode="live", api_url="http://127.0.0.1:9/v1")
    run = open_run(begin_run(Workspace(tmp_path), settings, load_labels()))
    with run.journal:
        assert read_limits(run, ExecutionOptions()) == LiveLimits()
        assert read_limits(run, ExecutionOptions(max_workers=3, tokens_per_minute=500)) == LiveLimits(3, 0, 500)
        assert read_limits(run, ExecutionOptions()) == LiveLimits(3, 0, 500)
        assert read_limits(run, ExecutionOptions(tokens_per_minute=0)) == LiveLimits(3, 0, 0)


@pytest.mark.parametrize("tokens", [(0, 0), (7, 9), (0, 3), (7, 0)])
def test_tokens_are_estimated_only_where_the_server_does_not_count(tokens):
    body = {"messages": [{"role": "user", "content": "x" * 400}]}
    answer = estimate_usage(Answer("a", content="y" * 80, tokens_in=tokens[0], tokens_out=tokens[1]), body)
    expected = (tokens[0] or count_prompt_tokens(body), tokens[1] or 20)
    assert (answer.tokens_in, answer.tokens_out) == expected


@pytest.mark.parametrize("bound", [float("nan"), float("inf"), -1.0])
@pytest.mark.parametrize("name", ["max_cost", "max_tokens"])
def test_a_limit_that_limits_nothing_is_refused(name: str, bound: float):
    with pytest.raises(ConfigurationError, match=f"{name} is at least 0"):
        Limits(**{name: bound})


@pytest.mark.parametrize("change", [{"price_in": float("nan")}, {"price_out": -1.0}, {"attempts": 0}, {"samples": -1}])
def test_numbers_of_a_run_are_finite_and_not_too_small(change: dict[str, float]):
    """A price that is no number makes every sum one, which no limit stops."""
    with pytest.raises(ConfigurationError, match=f"{next(iter(change))} is at least"):
        complete_settings(make_settings(**change))
