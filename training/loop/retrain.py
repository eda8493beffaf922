"""One round of the loop: freeze the reviews, train, test at the door, promote or refuse, and queue what comes next.

    reviews → bundle loop-<n> → method on top of what serves → paired test → queue → serving, or kept with the reason

The state is written last: a round that was interrupted is done again, on the bundle and the model that it has.
The door tests on the test split of the bundle (see `holdout`), which takes the queue's random reserve.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from goldspan.annotation.corpus.queue import LabelQueue
from goldspan.annotation.errors import InputError
from goldspan.annotation.files import find_json
from goldspan.annotation.labels.schema import LabelSchema, find_label_file, load_labels
from goldspan.annotation.locks import hold_lock
from goldspan.annotation.tasks.workspace import Workspace
from goldspan.annotation.types import Annotation, Author, Sample
from goldspan.evaluation.matching.annotations import find_shown_prediction
from goldspan.predictors.artifact import is_method_artifact
from goldspan.predictors.base import Predictor
from goldspan.predictors.registry import open_predictor
from goldspan.predictors.run import iter_outcomes
from goldspan.training.bundle.lineage import open_lineage
from goldspan.training.bundle.manifest import MANIFEST, BundleSettings
from goldspan.training.bundle.verify import NOTICE, Bundle, open_bundle
from goldspan.training.bundle.write import write_bundle
from goldspan.training.gate.reviewed import ReviewedSamples
from goldspan.training.loop.batch import write_batch
from goldspan.training.loop.costs import fit_sample_costs
from goldspan.training.loop.holdout import choose_test_samples
from goldspan.training.loop.promotion import LEAST_DOCUMENTS, JudgedText, Promotion, decide_promotion
from goldspan.training.loop.state import (
    MODELS,
    LoopRound,
    LoopState,
    find_loop_folder,
    locate_source,
    read_state,
    write_state,
)
from goldspan.training.methods.base import make_settings
from goldspan.training.methods.fits import fit
from goldspan.training.methods.registry import open_method
from goldspan.training.runs import find_models_folder

LEAST_NEW, NEW_SHARE = 20, 0.2
"""Train again from so many new reviews on, and from this share of those that the last round learned from."""


@dataclass(frozen=True, slots=True)
class RetrainSettings:
    """How to retrain. `base` serves before the first round, `options` are the method's.

    `least_test`: samples that a promotion needs; `pool`: samples that the queue ranks;
    `similarity`: texts at least so alike share a split.
    """

    method: str = "crf"
    base: str = "regex"
    options: Mapping[str, Any] | None = None
    least_test: int = LEAST_DOCUMENTS
    queue_size: int = 20
    pool: int = 2000
    similarity: float = 0.7
    seed: int = 0
    force: bool = False


@dataclass(frozen=True, slots=True)
class Retrained:
    """What a round did. `round` is None if there were too few new reviews: `missing` says how many.

    `anchored` counts test samples whose reviewer was shown the model in service: it has an advantage there.
    """

    state: LoopState
    reviews: int
    missing: int = 0
    round: LoopRound | None = None
    promotion: Promotion | None = None
    anchored: int = 0
    queue: LabelQueue | None = None
    queue_file: Path | None = None


def retrain(
    workspace: Workspace,
    settings: RetrainSettings,
    *,
    labels_file: Path | None = None,
    pushed: Collection[str] = (),
    report: Callable[[str], None] = lambda _: None,
) -> Retrained:
    """Do one round.

    Args:
        workspace: whose reviews and samples.
        settings: how.
        labels_file: the label schema; None: the one that `load_labels()` finds.
        pushed: ids of samples that are in Label Studio: they are annotated anew, and not queued.
        report: gets a line whenever a step is done.

    Raises:
        InputError: nothing is reviewed, or the training split is empty.
        ConfigurationError: the method or a predictor lacks something.
        UnknownNameError: there is no such method, option or predictor; nothing was frozen.
        StateError: another round is at work, or a file is not what it should be.
    """
    path = find_label_file(labels_file)
    labels = load_labels(path)
    with hold_lock(f"loop {find_loop_folder(workspace).resolve()}", patience=0):
        state = read_state(workspace, settings.base)
        make_settings(open_method(settings.method), settings.options or {})
        open_predictor(locate_source(workspace, state.serving), labels)
        reviewed = list(ReviewedSamples(workspace, labels))
        if not reviewed:
            raise InputError("Nothing is reviewed yet: `goldspan studio pull` brings the reviews.")
        missing = count_missing(state.trained_on, len(reviewed))
        if missing and not settings.force:
            return Retrained(state, len(reviewed), missing)
        number = len(state.rounds) + 1
        bundle = _freeze(workspace, labels, reviewed, f"loop-{number}", settings)
        data = bundle.manifest["data"]
        trained_on = data["samples"] + sum(data["left_out"].values())
        held_out = bundle.manifest["split"]["sizes"]["test"]
        report(f"{bundle.folder.name}: {data['samples']} reviewed samples, {held_out} of them for tests")
        test = choose_test_samples(bundle, reviewed, labels, workspace, settings.similarity)
        name = _fit(bundle, state, settings, workspace, path, report)
        promotion, anchored = _test(test, state.serving, _name_source(settings, name), labels, workspace, settings)
        if promotion.falling and settings.method == "crf":
            report(f"recall falls of {', '.join(promotion.falling)}: once more with the base's entities of these")
            other = _fit(bundle, state, settings, workspace, path, report, promotion.falling)
            second, _ = _test(test, state.serving, _name_source(settings, other), labels, workspace, settings)
            if second.promoted:
                name, promotion = other, replace(second, kept=promotion.falling)
        source = _name_source(settings, name)
        verdict = promotion.to_json() | {"anchored": anchored}
        now = datetime.now(UTC).isoformat(timespec="seconds")
        done = LoopRound(number, name, trained_on, promotion.promoted, now, verdict)
        state = state.add(done, source)
        file = find_loop_folder(workspace) / f"round-{number}.jsonl"
        queue = write_batch(
            file,
            workspace,
            labels,
            newest=source,
            serving=state.serving,
            pushed=pushed,
            size=settings.queue_size,
            pool=settings.pool,
            seed=settings.seed,
        )
        write_state(workspace, state)
        report("promoted" if promotion.promoted else f"refused: {'; '.join(promotion.reasons)}")
        return Retrained(state, len(reviewed), 0, done, promotion, anchored, queue, file)


def count_missing(trained_on: int, reviews: int) -> int:
    """How many more reviews a new round needs: at least 20 new ones, and a fifth of what the last one had."""
    return max(0, trained_on + max(LEAST_NEW, round(NEW_SHARE * trained_on)) - reviews)


def _freeze(
    workspace: Workspace, labels: LabelSchema, reviewed: Sequence[Sample], name: str, settings: RetrainSettings
) -> Bundle:
    """The bundle of a round; a round that was interrupted goes on with the bundle it had, or with its successor."""
    target = _find_version(workspace.bundles, name, labels)
    if target.exists():
        return open_bundle(target, labels)
    with open_lineage(workspace) as lineage:
        plan = BundleSettings(target.name, seed=settings.seed, threshold=settings.similarity, reviewed_only=True)
        write_bundle(target, reviewed, labels, plan, lineage)
    return open_bundle(target, labels)


def _find_version(root: Path, name: str, labels: LabelSchema) -> Path:
    """Where the bundle of a round is or goes: past one that was withdrawn, and past one of another label schema."""
    target, number = root / name, 0
    while target.exists():
        schema = find_json(target / MANIFEST).get("label_schema", {})
        if not (target / NOTICE).exists() and schema.get("fingerprint") == labels.fingerprint:
            return target
        number += 1
        target = root / f"{name}-r{number}"
    return target


def _stand_on(settings: RetrainSettings, state: LoopState, workspace: Workspace) -> dict[str, Any]:
    """Options that make the method start from what serves: its tags, or the weights of the last promoted model."""
    if settings.method == "crf":
        return {"base": settings.base}
    if settings.method == "token-classifier":
        weights = Path(locate_source(workspace, state.serving).rpartition("+")[2]) / "trained"
        return {"encoder": str(weights)} if weights.is_dir() else {}
    return {}


def _fit(
    bundle: Bundle,
    state: LoopState,
    settings: RetrainSettings,
    workspace: Workspace,
    labels_file: Path,
    report: Callable[[str], None],
    keep: Sequence[str] = (),
) -> str:
    """Train the candidate of a round, unless that is done; returns its name among the models.

    `keep`: labels of which a CRF keeps all entities of its base.
    """
    name = "-".join([bundle.folder.name, settings.method, *(["kept"] if keep else [])])
    if not is_method_artifact(find_models_folder(workspace) / name):
        options = {**_stand_on(settings, state, workspace), **(settings.options or {})}
        options |= {"keep": ",".join(keep)} if keep else {}
        fit(
            settings.method,
            bundle.folder,
            options,
            name=name,
            data=workspace.root,
            labels_file=labels_file,
            on_line=report,
        )
    return name


def _name_source(settings: RetrainSettings, name: str) -> str:
    """A CRF has its base within it; before another model the patterns of the base stay, where it begins with them."""
    first = settings.base.split("+")[0]
    return f"regex+{MODELS}{name}" if settings.method != "crf" and first == "regex" else f"{MODELS}{name}"


def _test(
    test: Sequence[Sample],
    serving: str,
    source: str,
    labels: LabelSchema,
    workspace: Workspace,
    settings: RetrainSettings,
) -> tuple[Promotion, int]:
    incumbent = open_predictor(locate_source(workspace, serving), labels)
    version = incumbent.model_version
    old = _read(incumbent, test)
    new = _read(open_predictor(locate_source(workspace, source), labels), test)
    texts = [
        JudgedText(one.text, _only_entities(one.reviews[0]), old[one.sample_id], new[one.sample_id]) for one in test
    ]
    shown = (find_shown_prediction(one, one.reviews[0]) for one in test)
    anchored = sum(one is not None and one.author.name == version for one in shown)
    costs = fit_sample_costs((), workspace, labels)
    return decide_promotion(texts, costs=costs, least=settings.least_test, seed=settings.seed), anchored


def _read(predictor: Predictor, samples: Sequence[Sample]) -> dict[str, Annotation]:
    """What a predictor says of samples, entities only; a text that it fails on counts as nothing found."""
    nothing = Annotation(Author.model(predictor.model_version))
    return {
        outcome.sample.sample_id: _only_entities(outcome.annotation) if outcome.annotation else nothing
        for outcome in iter_outcomes(predictor, samples)
    }


def _only_entities(annotation: Annotation) -> Annotation:
    return replace(annotation, mentions=())
