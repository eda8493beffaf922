"""An encoder as text embedder: written with torch, read with ONNX, and used to choose examples."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("onnxruntime")

from goldspan.annotation.errors import ConfigurationError, GoldspanError, InputError, StateError  # noqa: E402
from goldspan.predictors.embedding import GRAPH, TextEmbedder  # noqa: E402
from goldspan.predictors.prompting.shots import ShotPool  # noqa: E402
from goldspan.training.artifact import embedder  # noqa: E402
from goldspan.training.artifact.embedder import write_embedder  # noqa: E402
from goldspan.training.models.encoders.catalogue import Encoder, find_encoder  # noqa: E402
from goldspan.training.models.encoders.tiny import make_tokenizer  # noqa: E402
from tests.training.tiny_model import make_sample  # noqa: E402

SAMPLES = [make_sample(number) for number in range(12)]


def make_encoder(root: Path, poison: float = 0.0) -> Encoder:
    """A tiny encoder; `poison` is added to the weights of its embeddings."""
    from transformers import BertConfig, BertModel

    (root / "tokenizer.json").write_bytes(make_tokenizer([sample.text for sample in SAMPLES]))
    torch.manual_seed(0)
    sizes = {"hidden_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 64}
    model = BertModel(BertConfig(vocab_size=8_000, **sizes))
    with torch.no_grad():
        model.embeddings.word_embeddings.weight += poison
    model.save_pretrained(root)
    return find_encoder(str(root))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("encoder")
    return write_embedder(make_encoder(root), root / "embedder")


def test_a_graph_that_gives_nan_is_not_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("good", "bad"):
        (tmp_path / name).mkdir()
    graphs: list[bytes] = []

    def note(graph: bytes, precision: str) -> bytes:
        graphs.append(graph)
        return graph

    with monkeypatch.context() as patch:
        patch.setattr(embedder, "quantise", note)
        with pytest.raises(StateError, match="NaN"):
            write_embedder(make_encoder(tmp_path / "bad", np.nan), tmp_path / "none")
    assert not (tmp_path / "none" / GRAPH).exists()
    monkeypatch.setattr(embedder, "quantise", lambda graph, precision: graphs[0] if precision == "int8" else graph)
    made = write_embedder(make_encoder(tmp_path / "good"), tmp_path / "embedder")
    assert np.isfinite(TextEmbedder(made).embed([SAMPLES[0].text])).all()
    (made / GRAPH).write_bytes(graphs[0])
    with pytest.raises(StateError, match="NaN"):
        TextEmbedder(made).embed([SAMPLES[0].text])


def test_embeddings_have_length_one_and_tell_texts_apart(folder: Path) -> None:
    vectors = TextEmbedder(folder).embed([SAMPLES[0].text, SAMPLES[1].text, SAMPLES[0].text, ""])
    assert np.linalg.norm(vectors, axis=1) == pytest.approx(np.ones(4), abs=1e-5)
    assert vectors[0] == pytest.approx(vectors[2], abs=1e-5)
    assert vectors[0] @ vectors[1] < 0.999


def test_a_long_text_is_read_whole(folder: Path) -> None:
    start = " ".join(["Maria moved to Paris"] * 200)
    one, other = TextEmbedder(folder).embed([start, start + " " + " ".join(["the report was sent"] * 200)])
    assert one @ other < 0.999


def test_the_nearest_example_comes_last(folder: Path) -> None:
    pool = ShotPool(SAMPLES, "embedding", embedder=TextEmbedder(folder))
    text = SAMPLES[5].text + " "
    chosen = pool.choose(text, "en", 3)
    assert chosen[-1] == SAMPLES[5]
    assert chosen == pool.choose(text, "en", 3)
    assert SAMPLES[5] not in pool.choose(SAMPLES[5].text, "en", 11)


def test_what_is_no_embedder_is_named(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="prepare-embedder"):
        TextEmbedder(tmp_path)
    with pytest.raises(ConfigurationError, match="option embedder"):
        ShotPool(SAMPLES, "embedding")
    with pytest.raises(ConfigurationError, match="random weights"):
        write_embedder(find_encoder("tiny"), tmp_path)
    (tmp_path / GRAPH).write_bytes(b"no graph")
    (tmp_path / "tokenizer.json").write_bytes((folder / "tokenizer.json").read_bytes())
    with pytest.raises(GoldspanError, match="cannot be loaded"):
        TextEmbedder(tmp_path)
