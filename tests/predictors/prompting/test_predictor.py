from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from aiohttp import web

from goldspan.annotation.errors import ConfigurationError, ServiceError
from goldspan.annotation.labels.schema import load_labels
from goldspan.annotation.text.tagged import parse_tagged, render_tagged
from goldspan.annotation.types import Annotation, Author, Sample
from goldspan.generators.providers.live.pool import LiveLimits
from goldspan.predictors.patterns.predictor import RegexPredictor
from goldspan.predictors.prompting.predictor import LlmPredictor, LlmSettings, open_llm
from goldspan.predictors.prompting.prompt import WINDOW, build_messages, read_answer
from goldspan.predictors.prompting.shots import ShotPool

LABELS = load_labels()
TEXT = "Ann, 42 years old, writes from ann@example.com & <b>home</b>."
TAGGED = "Ann, <AGE>42</AGE> years old, writes from <EMAIL>ann@example.com</EMAIL> & &lt;b>home&lt;/b>."
VALUES = [{"value": "42", "label": "AGE"}, {"value": "ann@example.com", "label": "EMAIL"}]


def tag(text: str) -> str:
    return render_tagged(text, RegexPredictor(LABELS).predict_sync(text, "en", "US").entities)


def answer(tagged: str) -> str:
    return json.dumps({"tagged_text": tagged})


class Server:
    """Answers as `write` says; counts what it was asked."""

    def __init__(self, write: Callable[[str, int], str | tuple[str, str]]) -> None:
        self.write = write
        self.bodies: list[dict] = []
        self.asked: Counter[str] = Counter()
        self.url = ""

    async def complete(self, request: web.Request) -> web.Response:
        body = await request.json()
        self.bodies.append(body)
        text = json.loads(body["messages"][-1]["content"])["text"]
        self.asked[text] += 1
        written = self.write(text, self.asked[text])
        content, reason = written if isinstance(written, tuple) else (written, "stop")
        choice = {"index": 0, "message": {"role": "assistant", "content": content}, "finish_reason": reason}
        return web.json_response(
            {"id": "c", "object": "chat.completion", "created": 0, "model": body["model"], "choices": [choice]}
        )


@asynccontextmanager
async def serve(write: Callable[[str, int], str | tuple[str, str]]):
    server = Server(write)
    app = web.Application(client_max_size=1 << 26)
    app.router.add_post("/v1/chat/completions", server.complete)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    server.url = f"http://127.0.0.1:{runner.addresses[0][1]}/v1"
    try:
        yield server
    finally:
        await runner.cleanup()


def make_predictor(
    server: Server, pool: tuple[Sample, ...] = (), folder: Path | None = None, **changes
) -> LlmPredictor:
    settings = LlmSettings("m", server.url, "none", limits=LiveLimits(4), **changes)
    return LlmPredictor(LABELS, settings, pool, folder)


async def read_once(predictor: LlmPredictor, text: str = TEXT) -> Annotation:
    try:
        return (await predictor.predict(text, "en", "US")).annotation
    finally:
        await predictor.aclose()


async def test_an_exact_answer_gives_exact_offsets() -> None:
    async with serve(lambda text, _: answer(tag(text))) as server:
        annotation = await read_once(make_predictor(server))
    assert render_tagged(TEXT, annotation.entities) == TAGGED
    assert annotation.author == Author.model("llm-m-1")
    assert annotation.score is None
    assert server.bodies[0]["temperature"] == 0.0
    assert server.bodies[0]["response_format"]["type"] == "json_schema"


async def test_a_changed_text_is_asked_for_again_with_the_reason() -> None:
    async with serve(lambda text, time: answer(tag(text) if time > 1 else "Anne is <AGE>42</AGE>.")) as server:
        annotation = await read_once(make_predictor(server))
    assert len(annotation.entities) == 2
    second = json.loads(server.bodies[1]["messages"][-1]["content"])
    assert "character by character" in second["problem_of_the_last_answer"]


async def test_a_text_that_stays_changed_is_aligned_by_its_values() -> None:
    async with serve(
        lambda *_: answer("Anne, <AGE>42</AGE>, <EMAIL>ann@example.com</EMAIL>, <CITY>Rome</CITY>")
    ) as server:
        annotation = await read_once(make_predictor(server))
    assert [TEXT[e.start : e.end] for e in annotation.entities] == ["42", "ann@example.com"]
    assert annotation.score == pytest.approx(2 / 3)
    assert server.asked[TEXT] == 3


@pytest.mark.parametrize(
    "content", ["nonsense", "[]", '{"tagged_text": 1}', answer("<COLOUR>Ann</COLOUR>"), answer("Ann")]
)
async def test_answers_that_cannot_be_used_are_an_error_not_an_empty_reading(content: str) -> None:
    async with serve(lambda *_: content) as server:
        with pytest.raises(ServiceError, match="No answer could be used in 2 attempts"):
            await read_once(make_predictor(server, attempts=2))


async def test_a_truncated_answer_gets_more_room() -> None:
    async with serve(lambda text, time: answer(tag(text)) if time > 1 else ('{"tagged', "length")) as server:
        await read_once(make_predictor(server))
    first, second = (body["max_tokens"] for body in server.bodies)
    assert second == 2 * first


async def test_long_texts_are_read_whole_in_windows() -> None:
    text = "\n".join(f"Line {number}: write to user{number}@example.com about nothing." for number in range(400))
    assert len(text) > 3 * WINDOW
    async with serve(lambda part, _: answer(tag(part))) as server:
        annotation = await read_once(make_predictor(server), text)
    assert [text[e.start : e.end] for e in annotation.entities] == [f"user{n}@example.com" for n in range(400)]
    assert len(server.bodies) >= 4


async def test_answers_are_kept_and_not_paid_for_again(tmp_path: Path) -> None:
    async with serve(lambda text, _: answer(tag(text))) as server:
        first = await read_once(make_predictor(server, folder=tmp_path / "answers"))
        again = await read_once(make_predictor(server, folder=tmp_path / "answers"))
        assert again == first
        assert server.asked[TEXT] == 1
        await read_once(make_predictor(server, folder=tmp_path / "answers", temperature=0.5))
        assert server.asked[TEXT] == 2


async def test_unusable_answers_are_asked_for_again_only_on_demand(tmp_path: Path) -> None:
    healthy = False
    async with serve(lambda text, _: answer(tag(text)) if healthy else "nonsense") as server:
        for _ in range(2):
            with pytest.raises(ServiceError, match="No answer could be used"):
                await read_once(make_predictor(server, folder=tmp_path / "a"))
        assert server.asked[TEXT] == 3
        with pytest.raises(ServiceError, match="No answer could be used"):
            await read_once(make_predictor(server, folder=tmp_path / "a", again_failed=True))
        assert server.asked[TEXT] == 6
        healthy = True
        found = await read_once(make_predictor(server, folder=tmp_path / "a", again_failed=True))
        assert (len(found.entities), server.asked[TEXT]) == (2, 7)
        assert await read_once(make_predictor(server, folder=tmp_path / "a")) == found
        assert server.asked[TEXT] == 7


def test_again_takes_one_value() -> None:
    with pytest.raises(ConfigurationError, match="`failed` or empty"):
        open_llm(LABELS, model="m", api_url="http://127.0.0.1:1/v1", again="all")


async def test_many_texts_at_once() -> None:
    samples = [Sample(f"Text {n} by user{n}@example.com", "en", "US") for n in range(30)]
    async with serve(lambda text, _: answer(tag(text))) as server:
        predictor = make_predictor(server)
        outcomes = [outcome async for outcome in predictor.predict_many(samples, workers=8)]
        await predictor.aclose()
    assert [len(outcome.annotation.entities) for outcome in outcomes if outcome.annotation] == [1] * 30


async def test_a_server_that_refuses_the_key_ends_it_for_all() -> None:
    async def refuse(_: web.Request) -> web.Response:
        return web.json_response({"error": {"message": "no"}}, status=401)

    app = web.Application()
    app.router.add_post("/v1/chat/completions", refuse)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    settings = LlmSettings("m", f"http://127.0.0.1:{runner.addresses[0][1]}/v1", "wrong")
    predictor = LlmPredictor(LABELS, settings)
    samples = [Sample(f"Text {n}", "en") for n in range(6)]
    outcomes = [outcome async for outcome in predictor.predict_many(samples, workers=2)]
    await predictor.aclose()
    await runner.cleanup()
    assert all("refuses the key" in str(outcome.error) for outcome in outcomes)


async def test_an_empty_text_costs_nothing() -> None:
    async with serve(lambda *_: "") as server:
        assert (await read_once(make_predictor(server), " \n")).entities == ()
    assert server.bodies == []


def make_shot(text: str, language: str) -> Sample:
    parsed = parse_tagged(text, LABELS)
    gold = Annotation(Author.person("ann"), parsed.entities)
    return Sample(parsed.text, language, annotations=(gold,), sample_id=text)


def test_shots_are_turns_in_the_language_of_the_text() -> None:
    pool = [
        make_shot("<AGE>42</AGE> years old", "en"),
        make_shot("<AGE>42</AGE> Jahre, <CITY>Ulm</CITY>", "de"),
        make_shot("nur <CITY>Ulm</CITY>", "de"),
    ]
    shots = ShotPool(pool).choose("Text", "de", 2)
    assert [shot.language for shot in shots] == ["de", "de"]
    assert "42 Jahre" in shots[1].text
    messages = build_messages("Text", LABELS, shots)
    assert [message["role"] for message in messages] == ["system", "user", "assistant", "user", "assistant", "user"]
    assert json.loads(messages[4]["content"])["tagged_text"] == "<AGE>42</AGE> Jahre, <CITY>Ulm</CITY>"
    assert all(label.code in messages[0]["content"] for label in LABELS.entities)


async def test_a_text_is_never_an_example_for_itself() -> None:
    pool = (make_shot(TAGGED, "en"),)
    async with serve(lambda text, _: answer(tag(text))) as server:
        await read_once(make_predictor(server, pool))
        await read_once(make_predictor(server, pool), "Another text.")
    assert [len(body["messages"]) for body in server.bodies] == [2, 4]


def test_reading_an_exact_answer() -> None:
    reading = read_answer(answer(TAGGED), TEXT, LABELS)
    assert (reading.problem, reading.share) == ("", 1.0)
    assert read_answer(f"Here it is:\n```json\n{answer(TAGGED)}\n```", TEXT, LABELS) == reading


def test_the_model_must_be_named_for_a_compatible_server() -> None:
    with pytest.raises(ConfigurationError, match="--option model=NAME"):
        open_llm(LABELS)
    predictor = open_llm(LABELS, model="m", api_url="http://127.0.0.1:9/v1/chat/completions")
    assert predictor.model_version == "llm-m-1"
    asyncio.run(predictor.aclose())


@pytest.mark.parametrize(
    "content",
    [
        answer(TAGGED).replace("AGE>", "age>"),
        answer(TAGGED.replace("<AGE>42</AGE>", "<AGE>42<AGE>")),
        f"<think>Let me see {{it}}.</think>{answer(TAGGED)}",
        answer(TAGGED)[:-1] + ",}",
        f"[{answer(TAGGED)}]",
        TAGGED,
        f"tagged_text: |\n  {TAGGED}",
        f"**tagged_text:** {TAGGED}",
        f"<tagged_text><![CDATA[{TAGGED}]]></tagged_text>",
        f"<|channel|>final<|message|>{answer(TAGGED)}<|return|>",
        answer(TAGGED.replace("<AGE>42</AGE>", "[AGE]42[/AGE]")),
        answer(TAGGED.replace("<AGE>42</AGE>", '<entity label="AGE">42</entity>')),
        json.dumps({"tagged_text": [TAGGED]}),
        json.dumps({"text": TEXT, "entities": VALUES}),
        json.dumps({"entities": [{"text": one["value"], "type": f"B-{one['label'].lower()}"} for one in VALUES]}),
    ],
)
def test_odd_answers_are_read_as_they_are_meant(content):
    assert read_answer(content, TEXT, LABELS) == read_answer(answer(TAGGED), TEXT, LABELS)


@pytest.mark.parametrize("entities", [[], [{"value": "Ann"}], [{"start": 0, "end": 3, "label": "FIRSTNAME"}]])
def test_a_list_that_names_no_values_is_no_answer(entities):
    assert read_answer(json.dumps({"text": TEXT, "entities": entities}), TEXT, LABELS).share == 0


def test_values_that_stand_more_than_once_are_asked_for_in_the_text():
    content = json.dumps({"entities": [{"value": "Ann", "label": "FIRSTNAME"}]})
    parsed = read_answer(content, "Ann met Ann.", LABELS)
    assert [entity.start for entity in parsed.entities] == [0, 8]
    assert parsed.problem


def test_an_answer_that_ends_in_the_middle_is_never_completed():
    parsed = read_answer(answer(TAGGED)[:-20], TEXT, LABELS)
    assert (parsed.entities, parsed.problem) == ((), "the answer was cut off")


async def test_an_answer_that_ends_in_the_middle_gets_more_room():
    async with serve(lambda text, turn: answer(tag(text))[: -9 if turn == 1 else None]) as server:
        predictor = LlmPredictor(LABELS, LlmSettings("m", server.url, "none", shots=0, limits=LiveLimits(2)))
        assert (await predictor.predict(TEXT, "en")).annotation.entities
        await predictor.aclose()
    assert server.bodies[1]["max_tokens"] == 2 * server.bodies[0]["max_tokens"]


@pytest.mark.parametrize(("provider", "seed"), [("mistral", "random_seed"), ("together", "seed"), ("openai", "seed")])
async def test_each_provider_gets_the_seed_by_the_name_that_it_knows(
    provider: str, seed: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("MISTRAL_API_KEY", raising=False)
    async with serve(lambda text, _: answer(tag(text))) as server:
        await read_once(open_llm(LABELS, provider=provider, model="m", api_url=server.url))
    assert {name for name in server.bodies[0] if "seed" in name} == {seed}
