"""What a brief tells a model beside its values: a direction, and an example of the notation.

The direction is prose in the document's language (`goldspan.generators.specs.directions`), or one of the project's own
situations alone where the project is not about personal data, of which the pools speak. The passage is from the
project's own texts (`goldspan.generators.runs.seed_texts`). The example is another
document with its tags: one of the project's reviewed samples where an examples file is given, else one of the offline
author, right by construction; it rotates with the item.
"""

from __future__ import annotations

from collections.abc import Collection
from functools import lru_cache
from pathlib import Path
from typing import Any

from goldspan.annotation.errors import InputError
from goldspan.annotation.labels.schema import LabelSchema
from goldspan.annotation.tasks.store import read_samples
from goldspan.annotation.text.tagged import render_tagged
from goldspan.generators.runs.paraphrases import load_samples
from goldspan.generators.runs.seed_texts import SHORTEST, draw_passage, find_languages, read_passages
from goldspan.generators.runs.settings import RunSettings
from goldspan.generators.specs.directions import draw_direction, read_scenarios
from goldspan.generators.specs.draw import draw_spec
from goldspan.generators.specs.spec import Spec, SpecConstraints
from goldspan.generators.surrogates.chance import make_random, pick

_LONGEST = 700
"""Characters of an example with its tags."""
_SHORT = 4
"""Characters of a value that an example may share with the brief by chance: ages, numbers of houses."""
_TRIES = 6
_EXAMPLE_SEED = 5_000_003
_EXAMPLES = 12
"""Examples that are drawn for each language and document type; writing one takes longer than asking for a sample."""


def write_content_fields(spec: Spec, settings: RunSettings, labels: LabelSchema) -> dict[str, Any]:
    """The fields `direction`, `passage` and `example` of a brief; none for the offline author, who needs none."""
    if settings.provider == "offline":
        return {}
    scenarios = _load_scenarios(settings.scenarios_file).get(spec.language, ()) if settings.scenarios_file else ()
    fields: dict[str, Any] = {}
    if labels.purpose.is_pii:
        fields["direction"] = draw_direction(spec, scenarios)
    elif scenarios:
        fields["direction"] = pick(make_random(spec.seed, spec.index, "direction"), scenarios)
    if settings.seeds and not spec.hard_negative:
        passage = draw_passage(spec, read_passages(Path(settings.seeds), labels))
        fields |= {"passage": passage} if passage else {}
    example = _choose_example(spec, settings, labels)
    return fields | ({"example": example} if example else {})


def forget_files() -> None:
    """Read the files of a run anew when they are next needed: a notebook may have changed them since the last run."""
    for read in (_load_scenarios, _load_examples, _draw_example, read_passages, load_samples):
        read.cache_clear()


def list_held(settings: RunSettings, labels: LabelSchema) -> dict[str, tuple[str, ...]]:
    """Languages of a run for which its own files hold something that a brief can show, by the file."""
    held: dict[str, Collection[str]] = {}
    if settings.scenarios_file:
        held[settings.scenarios_file] = _load_scenarios(settings.scenarios_file)
    if settings.seeds:
        held[settings.seeds] = find_languages(read_passages(Path(settings.seeds), labels), settings.languages)
    if settings.examples_file:
        own = _load_examples(settings.examples_file, labels)
        held[settings.examples_file] = settings.languages if own.get("") else own
    return {path: tuple(code for code in settings.languages if code in codes) for path, codes in held.items()}


def find_missing(settings: RunSettings, labels: LabelSchema) -> dict[str, tuple[str, ...]]:
    """Languages of a run for which one of its own files holds nothing that a brief can show, by the file.

    Raises:
        InputError: a file holds nothing in any language of the run.
    """
    held = list_held(settings, labels)
    for path, what in (
        (settings.scenarios_file, "situation"),
        (settings.seeds, f"passage of at least {SHORTEST} characters"),
        (settings.examples_file, f"reviewed sample with entities and at most {_LONGEST} characters"),
    ):
        if path and not held[path]:
            raise InputError(f"{path} holds no {what} in {', '.join(settings.languages)}.")
    missing = {path: tuple(code for code in settings.languages if code not in codes) for path, codes in held.items()}
    return {path: codes for path, codes in missing.items() if codes}


def _choose_example(spec: Spec, settings: RunSettings, labels: LabelSchema) -> str:
    if spec.hard_negative:
        return ""
    if settings.examples_file:
        own = _load_examples(settings.examples_file, labels)
        fitting = own.get(spec.language) or own.get("") or ()
        if fitting:
            return fitting[spec.index % len(fitting)]
    return _write_example(spec, labels)


def _write_example(spec: Spec, labels: LabelSchema) -> str:
    """A short document of the offline author in the same language, on other values; empty if none is found."""
    types = labels.purpose.document_types or (spec.document_type,)
    own = [value.value for value in spec.values if len(value.value) > _SHORT]
    for number in range(_TRIES):
        place = (_TRIES * spec.index + number) % _EXAMPLES
        tagged = _draw_example(spec.seed + _EXAMPLE_SEED, place, spec.language, types, labels)
        if len(tagged) <= _LONGEST and not any(value in tagged for value in own):
            return tagged
    return ""


@lru_cache(maxsize=4096)
def _draw_example(seed: int, place: int, language: str, types: tuple[str, ...], labels: LabelSchema) -> str:
    from goldspan.generators.offline.stages import author_draft

    wanted = SpecConstraints(language=language, hard_negative=False)
    return author_draft(draw_spec(seed, place, (language,), labels, wanted=wanted, document_types=types), labels)


@lru_cache(maxsize=4)
def _load_scenarios(path: str) -> dict[str, tuple[str, ...]]:
    return read_scenarios(Path(path))


@lru_cache(maxsize=4)
def _load_examples(path: str, labels: LabelSchema) -> dict[str, tuple[str, ...]]:
    """Reviewed samples of a file as tagged text, by language; those that are too long are left out."""
    found: dict[str, list[str]] = {}
    for sample in read_samples([Path(path)], labels):
        if sample.reviews and sample.best and sample.best.entities:
            tagged = render_tagged(sample.text, sample.best.entities)
            if len(tagged) <= _LONGEST:
                found.setdefault(sample.language, []).append(tagged)
    return {language: tuple(texts) for language, texts in found.items()}
