from __future__ import annotations

from importlib.metadata import EntryPoint
from pathlib import Path

import pytest
from typer.testing import CliRunner

from goldspan.annotation import plugins
from goldspan.annotation.errors import ConfigurationError, UnknownNameError
from goldspan.annotation.labels.schema import LabelSchema, load_labels
from goldspan.cli.predictors import app
from goldspan.predictors import registry
from goldspan.predictors.registry import list_options, list_predictors, open_predictor
from tests.predictors.test_base import Computing

LABELS = load_labels()


def open_failing(labels: LabelSchema) -> Computing:
    raise FileNotFoundError("weights.bin")


def open_plain(labels: LabelSchema) -> object:
    return object()


@pytest.fixture
def plugin(monkeypatch: pytest.MonkeyPatch) -> None:
    """A distribution that brings a predictor `computing`, and one that cannot be loaded."""
    points = [
        EntryPoint("computing", "tests.predictors.test_base:Computing", registry.GROUP),
        EntryPoint("failing", "tests.predictors.test_registry:open_failing", registry.GROUP),
        EntryPoint("plain", "tests.predictors.test_registry:open_plain", registry.GROUP),
        EntryPoint("broken", "tests.predictors.nowhere:Computing", registry.GROUP),
    ]
    monkeypatch.setattr(plugins, "entry_points", lambda group: points if group == registry.GROUP else [])
    plugins.find_plugins.cache_clear()
    yield
    plugins.find_plugins.cache_clear()


def test_unknown_names_and_options_say_what_there_is() -> None:
    with pytest.raises(UnknownNameError, match="Did you mean regex"):
        open_predictor("regexp", LABELS)
    with pytest.raises(UnknownNameError, match="Did you mean llm"):
        open_predictor("lm", LABELS)
    with pytest.raises(ConfigurationError, match="takes no options"):
        open_predictor("regex", LABELS, shots=3)
    with pytest.raises(ConfigurationError, match="llm-classifier needs the option classifier"):
        open_predictor("llm-classifier", LABELS)


@pytest.mark.usefixtures("plugin")
def test_a_plugin_is_found_by_its_entry_point() -> None:
    assert "computing" in list_predictors()
    assert isinstance(open_predictor("computing", LABELS, size=None), Computing)
    assert list(list_options("computing")) == ["size", "strict"]
    with pytest.raises(ConfigurationError, match="no option wrong; it takes size, strict"):
        open_predictor("computing", LABELS, wrong=1)
    with pytest.raises(ConfigurationError, match=r"plug-in predictor broken .* cannot be loaded"):
        open_predictor("broken", LABELS)


@pytest.mark.usefixtures("plugin")
def test_text_becomes_the_type_of_its_option() -> None:
    opened = open_predictor("computing", LABELS, size="7", strict="yes")
    assert isinstance(opened, Computing)
    assert (opened.size, opened.strict) == (7, True)
    with pytest.raises(ConfigurationError, match="size of the predictor computing is a whole number, not 'many'"):
        open_predictor("computing", LABELS, size="many")
    with pytest.raises(ConfigurationError, match="is true or false, not 'perhaps'"):
        open_predictor("computing", LABELS, strict="perhaps")
    with pytest.raises(ConfigurationError, match="size of the predictor computing is int"):
        open_predictor("computing", LABELS, size=True)


@pytest.mark.usefixtures("plugin")
def test_defaults_go_only_to_who_takes_them() -> None:
    opened = open_predictor("computing", LABELS, defaults={"size": 3, "folder": Path("x")})
    assert isinstance(opened, Computing)
    assert opened.size == 3
    open_predictor("regex", LABELS, defaults={"workers": 3})


@pytest.mark.usefixtures("plugin")
def test_names_joined_with_plus_make_one_predictor() -> None:
    predictor = open_predictor("regex+computing", LABELS, size=2)
    assert predictor.model_version == "regex-1+computing-2"
    assert predictor.labels == open_predictor("regex", LABELS).labels
    with pytest.raises(ConfigurationError, match="no option wrong; it takes size, strict"):
        open_predictor("regex+computing", LABELS, wrong=2)
    with pytest.raises(UnknownNameError, match="'nothing'"):
        open_predictor("regex+nothing", LABELS)


def test_a_language_model_takes_its_options() -> None:
    predictor = open_predictor("llm", LABELS, model="some-model", api_url="http://127.0.0.1:1/v1", shots="2", workers=3)
    assert predictor.model_version == "llm-some-model-1"
    assert predictor.labels == LABELS.entity_codes


def test_a_file_names_a_predictor_and_its_options(tmp_path: Path) -> None:
    file = tmp_path / "ours.toml"
    file.write_text('predictor = "llm"\n[options]\nmodel = "m"\napi_url = "http://127.0.0.1:1"\ntemperature = 1\n')
    assert open_predictor(file, LABELS).model_version == "llm-m-1"
    assert open_predictor(str(file), LABELS, model="other").model_version == "llm-other-1"


@pytest.mark.parametrize("provider", ["compatible", "openai", "mistral"])
def test_a_key_goes_to_an_address_of_a_file_only_once_the_user_has_named_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, provider: str
) -> None:
    for name in ("GOLDSPAN_API_KEY", "OPENAI_API_KEY", "MISTRAL_API_KEY"):
        monkeypatch.setenv(name, "secret-of-the-user")
    file = tmp_path / "theirs.toml"
    address = "https://collector.example.org/v1"
    file.write_text(
        f'predictor = "regex+llm"\n[options]\nprovider = "{provider}"\nmodel = "m"\napi_url = "{address}"\n'
    )
    with pytest.raises(
        ConfigurationError, match=r"not sent to https://collector\.example\.org.*theirs\.toml"
    ) as caught:
        open_predictor(file, LABELS)
    assert "secret-of-the-user" not in str(caught.value)
    with pytest.raises(ConfigurationError, match="not sent to"):
        open_predictor(file, LABELS, defaults={"api_url": address})
    open_predictor(file, LABELS, api_url=address)
    open_predictor(file, LABELS)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("predictor = 3", "needs a line"),
        ("", "needs a line"),
        ('predictor = "llm"\nmodel = "m"', "no more"),
        ("predictor =", "not readable TOML"),
        ('predictor = "regex"\n[options]\nshots = 1', "has no option shots"),
    ],
)
def test_a_broken_file_says_what_is_wrong(tmp_path: Path, content: str, reason: str) -> None:
    file = tmp_path / "ours.toml"
    file.write_text(content)
    with pytest.raises(ConfigurationError, match=reason):
        open_predictor(file, LABELS)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="cannot be read: No such file"):
        open_predictor(tmp_path / "none.toml", LABELS)


@pytest.mark.usefixtures("plugin")
@pytest.mark.parametrize(
    ("name", "reason"),
    [("failing", "cannot be opened: FileNotFoundError: weights.bin"), ("plain", "subclass LocalPredictor")],
)
def test_a_plugin_that_opens_no_predictor_is_named(name: str, reason: str) -> None:
    with pytest.raises(ConfigurationError, match=reason):
        open_predictor(name, LABELS)


@pytest.mark.usefixtures("plugin")
def test_a_broken_plugin_does_not_hide_the_others() -> None:
    result = CliRunner().invoke(app, ["list"])
    assert result.exit_code == 0
    assert "computing" in result.output
    assert "plug-in predictor broken" in result.output
