"""Readers of rows, one per shape. A shape says how sure it is that a row is one of its own."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from goldspan.annotation.errors import UnknownNameError
from goldspan.annotation.formats.rows import (
    ai4privacy,
    bigbio,
    corpora,
    dialogflow,
    gretel,
    kiji,
    native,
    nemotron,
    services,
    studio,
    tokens,
    tools,
    uima,
)
from goldspan.annotation.formats.rows.options import RowOptions
from goldspan.annotation.formats.rows.raw import Code, RawRow, RowError
from goldspan.annotation.formats.rows.recognition import holds_unread_spans


@dataclass(frozen=True, slots=True)
class RowShape:
    """A shape of row: `score` is the sureness (0 to 1) that a row is one; `read` raises RowError.

    `taxonomy` is its own label set. `keys` are those that its reader takes, if it passes over all others.
    """

    name: str
    description: str
    score: Callable[[Mapping[str, Any]], float]
    read: Callable[[Mapping[str, Any], RowOptions], RawRow]
    taxonomy: str = ""
    keys: frozenset[str] = frozenset()

    def read_row(self, row: Mapping[str, Any], options: RowOptions) -> RawRow:
        """One row in the common form.

        Raises:
            RowError: text or spans cannot be read.
        """
        try:
            found = self.read(row, options)
            self._refuse_unread(row, len(found.text))
            return found
        except (TypeError, ValueError, KeyError, AttributeError, IndexError) as error:
            raise RowError(Code.UNREADABLE_SPANS, f"not a row of {self.name} ({type(error).__name__})") from None

    def _refuse_unread(self, row: Mapping[str, Any], length: int) -> None:
        for name in (row.keys() - self.keys) if self.keys else ():
            if holds_unread_spans(name, row[name], length):
                raise RowError(Code.UNREAD_SPANS, f"{self.name} has no key {name!r}, which holds annotations")


SHAPES = (
    RowShape(
        "kiji",
        "text and privacy_mask with coreferences (kiji, and data sets uploaded by Goldspan)",
        kiji.score_row,
        kiji.read_row,
        keys=frozenset({"text", "privacy_mask", "coreferences"}),
    ),
    RowShape(
        "ai4privacy",
        "source_text and privacy_mask or span_labels (AI4Privacy, OpenPII)",
        ai4privacy.score_row,
        ai4privacy.read_row,
    ),
    RowShape(
        "nemotron-pii",
        "text, spans, uid and document_type (Nemotron-PII)",
        nemotron.score_row,
        nemotron.read_row,
        "nemotron-pii",
        frozenset({"text", "spans", "text_tagged"}),
    ),
    RowShape(
        "gretel",
        "text and entities with types, or generated_text and pii_spans (Gretel)",
        gretel.score_row,
        gretel.read_row,
        "gretel",
        frozenset({"text", "entities", "generated_text", "pii_spans"}),
    ),
    RowShape(
        "hf-tokens",
        "tokens and ner_tags (Hugging Face)",
        tokens.score_tokens,
        tokens.read_tokens,
    ),
    RowShape(
        "sentences",
        "tokenised sentences with ner or clusters (DyGIE, e2e-coref)",
        tokens.score_sentences,
        tokens.read_sentences,
    ),
    RowShape(
        "token-spans",
        "tokens and entities that count them (SpERT, OneIE)",
        tokens.score_token_spans,
        tokens.read_token_spans,
    ),
    RowShape("docred", "sents and vertexSet (DocRED)", tokens.score_vertices, tokens.read_vertices),
    RowShape(
        "presidio",
        "full_text and spans (presidio-research)",
        corpora.score_presidio,
        corpora.read_presidio,
        "presidio",
    ),
    RowShape(
        "gliner",
        "tokenized_text and ner (GLiNER)",
        tokens.score_gliner,
        tokens.read_gliner,
    ),
    RowShape("gliner2", "input and output.entities (GLiNER2)", corpora.score_gliner2, corpora.read_gliner2),
    RowShape(
        "tab",
        "documents of the Text Anonymization Benchmark",
        corpora.score_tab,
        corpora.read_tab,
        "tab",
        frozenset({"text", "annotations"}),
    ),
    RowShape("jsonl", "flat JSONL: text, entities, mentions with offsets", native.score_flat, native.read_flat),
    RowShape("goldspan", "tagged_text, or text with entities by value", native.score_values, native.read_values),
    RowShape("label-studio", "Label Studio's JSON export of any project", studio.score_studio, studio.read_studio),
    RowShape("json-min", "Label Studio's JSON-MIN, CSV and TSV exports", tools.score_json_min, tools.read_json_min),
    RowShape("prodigy", "Prodigy tasks: text, spans, relations, answer", tools.score_prodigy, tools.read_prodigy),
    RowShape("doccano", "Doccano: label or entities with relations", tools.score_doccano, tools.read_doccano),
    RowShape("argilla", "Argilla records, version 1 and 2", tools.score_argilla, tools.read_argilla),
    RowShape("spacy-json", "spaCy: entities, Doc.to_json, training JSON", corpora.score_spacy, corpora.read_spacy),
    RowShape("uima-cas", "UIMA CAS JSON (INCEpTION)", uima.score_cas, uima.read_cas),
    RowShape(
        "ground-truth",
        "output manifests of SageMaker Ground Truth",
        services.score_ground_truth,
        services.read_ground_truth,
    ),
    RowShape("vertex", "Vertex AI and AutoML entity extraction", services.score_vertex, services.read_vertex),
    RowShape(
        "labelbox",
        "Labelbox exports of texts",
        services.score_labelbox,
        services.read_labelbox,
        keys=frozenset({"data_row", "projects"}),
    ),
    RowShape("kili", "Kili exports of texts", services.score_kili, services.read_kili),
    RowShape(
        "bioc",
        "BioC JSON documents",
        services.score_bioc,
        services.read_bioc,
        keys=frozenset({"passages", "relations"}),
    ),
    RowShape(
        "bigbio",
        "documents of BigBIO's schema kb",
        bigbio.score_bigbio,
        bigbio.read_bigbio,
        keys=frozenset({"passages", "entities", "coreferences", "relations", "events"}),
    ),
    RowShape("dialogflow", "training phrases of Dialogflow", dialogflow.score_dialogflow, dialogflow.read_dialogflow),
    RowShape("spans", "a text with spans under any key", corpora.score_spans, corpora.read_any_spans),
)


def score_shapes(rows: Sequence[Mapping[str, Any]]) -> list[tuple[float, RowShape]]:
    """Every shape with its mean sureness over some rows of a file, the surest first."""
    scored = [(sum(shape.score(row) for row in rows) / max(len(rows), 1), shape) for shape in SHAPES]
    return sorted(scored, key=lambda pair: -pair[0])


def get_shape(name: str) -> RowShape:
    """The shape of this name.

    Raises:
        UnknownNameError: there is none.
    """
    for shape in SHAPES:
        if shape.name == name:
            return shape
    raise UnknownNameError("row shape", name, (shape.name for shape in SHAPES))
