"""Run settings: everything that determines a run's requests, stored in its journal."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any

from goldspan.annotation.errors import StateError
from goldspan.annotation.labels.schema import LabelSchema
from goldspan.generators.specs.plan import SamplePlan
from goldspan.generators.stages.stage import STAGES, ModelSettings, Stage, build_stages

OFFLINE_MODEL = "offline-author"


@dataclass(frozen=True, slots=True)
class RunSettings:
    """The settings of a run.

    `provider` names a profile, or is `offline`. `mode` is live or batch (empty for offline). `api_url` is empty for
    the profile's own. `attempts` is how often one stage of one item is asked before it becomes a dead letter.
    Prices are US dollars for one million tokens; None: the profile's. `price_source` is where they were listed and
    when. `scenarios_file` holds the project's own situations (`goldspan generate scenarios`), `examples_file` reviewed
    samples that are shown to the model as examples, `seeds` (a file or folder) texts of whose passages briefs show one;
    all are read when an item begins. With a `paraphrase_file`, items tell the facts of the file's annotated samples in
    the run's languages, in turn from place `seed` on, instead of values that are drawn. `novelty` is the share of new
    phrases (0 to 1) that a draft must have against everything the workspace holds; 0 does not measure it.
    The offline author writes in `phrase_families` families, documents of which share no phrase; 0 is none.
    """

    provider: str
    samples: int
    seed: int = 0
    languages: tuple[str, ...] = ("en",)
    review: bool = False
    judge: bool = False
    model: str = OFFLINE_MODEL
    mode: str = ""
    api_url: str = ""
    window: str = ""
    attempts: int = 3
    max_tokens: int = 4096
    temperature: float | None = None
    price_in: float | None = None
    price_out: float | None = None
    price_source: str = ""
    labels_file: str = ""
    scenarios_file: str = ""
    examples_file: str = ""
    seeds: str = ""
    paraphrase_file: str = ""
    novelty: float = 0.2
    phrase_families: int = 0
    plan: SamplePlan | None = None

    @property
    def stage_names(self) -> tuple[str, ...]:
        """The stages of this run in their order; coreference is left out where the schema has no mentions."""
        left_out = {name for name, wanted in (("review", self.review), ("judge", self.judge)) if not wanted}
        return tuple(name for name in STAGES if name not in left_out)

    @property
    def model_version(self) -> str:
        """How Label Studio names the author of the predictions."""
        return self.model if self.provider == "offline" else f"{self.provider}/{self.model}"

    def to_dict(self) -> dict[str, Any]:
        """As JSON."""
        return {**asdict(self), "plan": self.plan.to_dict() if self.plan else None}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> RunSettings:
        """From JSON; settings that this version does not know are left out."""
        known = {field.name: values[field.name] for field in fields(cls) if field.name in values}
        known["languages"] = tuple(known.get("languages", ()))
        known["plan"] = SamplePlan.from_dict(known["plan"]) if known.get("plan") else None
        return cls(**known)

    def keep_prices(self, before: RunSettings) -> RunSettings:
        """With the prices of `before` where none are known now, for the same mode and window."""
        if (self.mode, self.window) != (before.mode, before.window) or (self.price_in, self.price_out) != (None, None):
            return self
        return replace(self, price_in=before.price_in, price_out=before.price_out, price_source=before.price_source)

    def build_stages(self, labels: LabelSchema) -> dict[str, Stage]:
        """The stages with their prompts."""
        limit_name = "max_completion_tokens" if self.provider == "openai" else "max_tokens"
        model = ModelSettings(self.model, self.max_tokens, self.temperature, limit_name)
        names = [name for name in self.stage_names if name != "coreference" or labels.mentions]
        return build_stages(names, model, labels, self.seed)

    def parts(self, labels: LabelSchema) -> dict[str, str]:
        """Everything that must not change within a run, part by part, so that a difference can be named."""
        parts = {
            "label schema": labels.fingerprint,
            "seed": str(self.seed),
            "samples": str(self.samples),
            "languages": ", ".join(self.languages),
            "stages": ", ".join(self.stage_names),
            "provider": self.provider,
        }
        if labels.purpose.document_types:
            parts["document types"] = ", ".join(labels.purpose.document_types)
        if self.paraphrase_file:
            parts["paraphrased file"] = Path(self.paraphrase_file).name
        if self.phrase_families:
            parts["phrase families"] = str(self.phrase_families)
        for stage in self.build_stages(labels).values():
            parts |= stage.parts()
        return parts


def require_same(run_id: str, before: Mapping[str, str], now: Mapping[str, str]) -> None:
    """Refuse to go on with a run whose questions would be different from now on.

    Raises:
        StateError: names every difference and how to continue.
    """
    names = [name for name in {**before, **now} if before.get(name) != now.get(name)]
    if names:
        listed = "; ".join(_describe_difference(name, before.get(name, ""), now.get(name, "")) for name in names)
        raise StateError(
            f"Run {run_id} was begun differently: {listed}. Mixed answers could not be told apart later. "
            "Undo the change to go on with this run, or start afresh with `goldspan generate start … --new`."
        )


def _describe_difference(name: str, before: str, now: str) -> str:
    if name.endswith((" prompt", " schema")) and name != "label schema":
        return f"the {name} has changed"
    return f"{name} was {before or 'not there'}, now {now or 'not there'}"
