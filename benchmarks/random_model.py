"""Write a model directory of BERT's size with random weights: only its speed says something.

    python benchmarks/random_model.py FOLDER [--layers 12] [--width 768] [--share 0.1]

The folder is laid out like a trained one: `FOLDER/trained` loads with transformers in fp32, and `FOLDER` itself is what
`open_predictor` opens, in INT8. The bias of the tag O is set so that about `--share` of the tokens are entities, as in
texts with personal data: masking then has as much to do as with a trained model.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from goldspan.annotation.labels.schema import load_labels
from goldspan.annotation.types import Annotation, Author, Sample
from goldspan.generators.offline.author import compose_document
from goldspan.generators.specs.draw import draw_spec
from goldspan.predictors.model.encoding import WindowSize, load_tokenizer
from goldspan.training.artifact.export import export_onnx
from goldspan.training.artifact.write import ServedInputs, write_served
from goldspan.training.models.build import read_tokenizer
from goldspan.training.models.encoders.catalogue import find_encoder
from goldspan.training.models.network import SpanNetwork

LABELS = load_labels()
TAGS = LABELS.bio_table
SAMPLES = 64
WINDOW = WindowSize(256, 64)
"""What training writes."""
GOLD = Author.model("author-1")


def compose_samples(count: int, seed: int = 7) -> list[Sample]:
    """Documents of the offline author in English."""
    drawn = (compose_document(draw_spec(seed, number, ["en"], LABELS), LABELS) for number in range(count))
    return [Sample(one.text, "en", annotations=(Annotation(GOLD, one.entities),)) for one in drawn]


def write_model(folder: Path, layers: int, width: int, share: float) -> None:
    """Write the model directory."""
    import torch
    import transformers

    samples = compose_samples(SAMPLES)
    tokenizer_json = read_tokenizer(find_encoder("tiny"), [sample.text for sample in samples])
    tokenizer = load_tokenizer(tokenizer_json)
    torch.manual_seed(1)
    config = transformers.BertConfig(
        vocab_size=tokenizer.get_vocab_size(),
        num_hidden_layers=layers,
        hidden_size=width,
        num_attention_heads=max(width // 64, 1),
        intermediate_size=4 * width,
        id2label=dict(enumerate(TAGS)),
        label2id={tag: number for number, tag in enumerate(TAGS)},
    )
    tagger = transformers.BertForTokenClassification(config).eval()
    with torch.inference_mode():
        outside = TAGS.index("O")
        rows = [tagger(torch.tensor([tokenizer.encode(s.text).ids[:512]])).logits[0] for s in samples[:16]]
        logits = torch.cat(rows)
        others = logits.clone()
        others[:, outside] = -torch.inf
        lead = others.max(-1).values - logits[:, outside]
        tagger.classifier.bias[outside] += torch.quantile(lead, 1 - share)
    trained = folder / "trained"
    tagger.save_pretrained(trained)
    (trained / "tokenizer.json").write_bytes(tokenizer_json)
    network = SpanNetwork(tagger, width)
    record = {
        "encoder": {"name": f"random-bert-{layers}x{width}", "licence": "Apache-2.0"},
        "steps": 0, "tokens": 0, "labels": {}, "device": "cpu", "averaged": 0,
        "parameters": sum(parameter.numel() for parameter in network.parameters()), "validation": {},
    }  # fmt: skip
    inputs = ServedInputs(
        name="random-bert",
        graph=export_onnx(network),
        tokenizer=tokenizer_json,
        trained=trained,
        pair_weights=network.side.features.tolist(),
        head_trained=False,
        labels=LABELS,
        validation=samples[:8],
        bundle={"name": "none", "fingerprint": "", "data": "", "split": ""},
        record=record,
        settings={"training": {"seed": 1}},
        size=WINDOW,
    )
    manifest = write_served(folder / "quantized", inputs, quantised=True)
    print(f"{folder}: {record['parameters'] / 1e6:.0f} M parameters, served as {manifest['precision']}")


def main() -> None:
    """Read the arguments and write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--layers", type=int, default=12)
    parser.add_argument("--width", type=int, default=768)
    parser.add_argument("--share", type=float, default=0.1, help="tokens that are entities")
    options = parser.parse_args()
    if options.folder.exists():
        sys.exit(f"{options.folder} is there already.")
    write_model(options.folder, options.layers, options.width, options.share)


if __name__ == "__main__":
    main()
