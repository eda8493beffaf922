from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from goldspan.generators.providers.adaptation import Adaptation
from goldspan.generators.providers.live.controller import (
    LONGEST_PAUSE,
    Breaker,
    measure_pause,
    observe_answer,
    observe_throttle,
    start_pool_state,
)
from goldspan.generators.providers.live.limits import MinuteLimit

Event = tuple[bool, float, float, float | None]
events = st.lists(
    st.tuples(st.booleans(), st.floats(0, 5), st.floats(0, 10), st.one_of(st.none(), st.floats(0.01, 300))),
    max_size=60,
)


@given(ceiling=st.integers(1, 512), steps=events)
def test_limit_stays_between_one_and_the_ceiling_and_moves_as_promised(ceiling, steps):
    pace, now = start_pool_state(ceiling), 100.0
    for answered, passed, age, retry_after in steps:
        now += passed
        before = pace
        if answered:
            pace = observe_answer(pace)
            assert before.limit <= pace.limit <= before.limit + 1
            assert pace.gate_until == before.gate_until
        else:
            pace = observe_throttle(pace, now=now, sent_at=now - age, retry_after=retry_after)
            assert pace.limit in {before.limit, max(1, before.limit // 2)}
            assert pace.gate_until >= before.gate_until
            if retry_after:
                assert measure_pause(pace, now) >= retry_after - 1e-9
        assert 1 <= pace.limit <= ceiling
        assert measure_pause(pace, now) <= max(LONGEST_PAUSE, 300)


@given(ceiling=st.integers(2, 512), burst=st.integers(1, 50))
def test_one_burst_cuts_once(ceiling, burst):
    pace = start_pool_state(ceiling)
    for _ in range(burst):
        pace = observe_throttle(pace, now=10.0, sent_at=9.0, retry_after=None)
    assert pace.limit == max(1, ceiling // 2)


@given(ceiling=st.integers(2, 128))
def test_limit_comes_back_slowly_to_the_ceiling(ceiling):
    pace = observe_throttle(start_pool_state(ceiling), now=1.0, sent_at=0.0, retry_after=1.0)
    answers = 0
    while pace.limit < ceiling:
        pace = observe_answer(pace)
        answers += 1
    assert answers == sum(range(max(1, ceiling // 2), ceiling))


def test_pauses_double_without_retry_after():
    pace, now, pauses = start_pool_state(64), 0.0, []
    for _ in range(8):
        pace = observe_throttle(pace, now=now, sent_at=now, retry_after=None)
        pauses.append(measure_pause(pace, now))
        now = pace.gate_until + 1
    assert pauses == [1, 2, 4, 8, 16, 32, 60, 60]


@given(st.lists(st.booleans(), max_size=100))
def test_breaker_opens_only_when_most_fail(outcomes):
    breaker = Breaker()
    for success in outcomes:
        breaker = breaker.observe(success)
    if any(outcomes):
        recent = outcomes[-20:]
        assert breaker.is_open == (len(recent) == 20 and recent.count(False) > 10)
    else:
        assert breaker.is_open == (len(outcomes) >= 5)


@given(st.integers(1, 6000), st.lists(st.tuples(st.floats(0, 3), st.integers(1, 50)), max_size=50))
def test_minute_limit_is_kept_over_any_stretch(per_minute, takes):
    limit, now, used = MinuteLimit(per_minute, 0.0), 0.0, 0.0
    for passed, amount in takes:
        now += passed
        now += limit.measure_pause(amount, now)
        assert limit.measure_pause(amount, now) < 1e-6
        limit.take(amount)
        used += amount
        capacity = max(1.0, per_minute / 10)
        assert used <= capacity + now * per_minute / 60 + max(0.0, amount - capacity) + 1e-6


def test_no_limit_never_waits():
    limit = MinuteLimit(0, 0.0)
    limit.take(10**9)
    assert limit.measure_pause(10**9, 0.0) == 0.0


BODY = {"model": "m", "seed": 1, "max_tokens": 9, "response_format": {"type": "json_schema", "json_schema": {}}}


def test_formats_fall_back_one_by_one_and_are_remembered():
    adaptation = Adaptation()
    assert adaptation.learn(400, "response_format is not supported", adaptation.adapt(BODY))
    assert adaptation.adapt(BODY)["response_format"] == {"type": "json_object"}
    assert adaptation.learn(400, "unknown type json_object", adaptation.adapt(BODY))
    assert "response_format" not in adaptation.adapt(BODY)
    assert not adaptation.learn(400, "response_format", adaptation.adapt(BODY))


def test_refusals_of_older_requests_are_asked_again_without_falling_further():
    adaptation = Adaptation()
    sent = adaptation.adapt(BODY)
    assert adaptation.learn(400, "json_schema", sent)
    assert adaptation.learn(400, "json_schema", sent)
    assert adaptation.format == "json_object"


def test_server_error_falls_back_only_before_the_first_success():
    adaptation = Adaptation()
    adaptation.note_success()
    assert not adaptation.learn(500, "internal error", adaptation.adapt(BODY))
    assert adaptation.format == "json_schema"
    assert Adaptation().learn(500, "internal error", BODY)


def test_refused_settings_are_left_out_or_spelled_otherwise():
    adaptation = Adaptation()
    assert adaptation.learn(400, "Unsupported parameter: 'max_tokens'", adaptation.adapt(BODY))
    assert adaptation.learn(422, "seed: extra inputs are not permitted", adaptation.adapt(BODY))
    assert adaptation.adapt(BODY).keys() == {"model", "max_completion_tokens", "response_format"}
    assert not adaptation.learn(401, "seed", adaptation.adapt(BODY))
