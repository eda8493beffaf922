"""Aligning answers that say what is in a text but not exactly where: precision and recall on 600 altered answers.

    python benchmarks/alignment.py [--per-kind 100]

Answers are built by rule from samples of the offline author and from templates in scripts that it does not write:
typography (spaces, quotes, Unicode form, letter case, divided words), repeats (values that stand several times and
inside other words), homographs (names beside the same common word), scripts (Chinese, Japanese, Korean, Thai),
endings (German, Turkish, Finnish, Hungarian, Arabic, Hebrew), paraphrase (a tagged copy with words changed).
Beside ours stand the aligners of langextract and spacy-llm where they are installed, on the same input. A place that
is reported as doubtful counts as not found; a wrong place counts against precision.
"""

from __future__ import annotations

import argparse
import random
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass

from goldspan.annotation.labels.schema import load_labels
from goldspan.annotation.text.alignment import align_values
from goldspan.annotation.text.tagged import Tagged, parse_tagged, render_tagged
from goldspan.annotation.text.transfer import transfer_spans
from goldspan.annotation.types import Annotation, Author, Entity, Sample
from goldspan.generators.offline.author import compose_document
from goldspan.generators.specs.draw import draw_spec

LABELS = load_labels()
NAMES = ("Ann", "Bo", "Carla", "Dmitri", "Elif", "Farid", "Greta", "Hugo", "Ines", "Jonas")
WORDS = ("May", "Will", "Rose", "Mark", "Hope", "Klein", "Lang", "Petit", "Grace", "Hunter")
SCRIPTS = (
    ("我叫{0}，住在北京。", "李小龙 王芳 张伟 刘洋 陈静"),
    ("{0}昨天去了上海，见了朋友。", "李小龙 王芳 张伟 刘洋 陈静"),
    ("私は{0}です。東京に住んでいます。", "山田太郎 佐藤 鈴木花子 はなこ マリア"),
    ("{0}는 어제 서울에 갔다.", "김민수 이영희 박지성"),
    ("คุณ{0}อยู่กรุงเทพ", "สมชาย มาลี วิชัย"),
)
ENDINGS = (
    ("de", "Das ist {0}s Auto, und {0} fährt es.", "Anna Peter Jonas Greta"),
    ("tr", "{0}da oturuyor ve {0} güzel.", "Ankara Adana Bursa"),
    ("fi", "Asun {0}ssa, koska {0} on kaunis.", "Turku Lahti Oulu"),
    ("hu", "{0}ban lakik, {0} szép.", "Budapest Szeged Sopron"),
    ("ar", "تحدث إلى ب{0} اليوم", "أحمد خالد سامي"),
    ("he", "גרתי ב{0} שנים רבות", "ירושלים חיפה אילת"),
)


@dataclass(frozen=True, slots=True)
class Answer:
    """A text, where its entities stand, and what an answer says of them: values, or a tagged copy."""

    kind: str
    text: str
    gold: frozenset[tuple[int, int]]
    values: tuple[tuple[str, str], ...]
    copy: Tagged | None = None
    language: str = ""


Aligner = Callable[[Answer], set[tuple[int, int]]]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--per-kind", type=int, default=100)
    answers = make_answers(parser.parse_args().per_kind)
    aligners = {"goldspan": align_ours} | {name: found for name, found in find_others().items() if found}
    kinds = list(dict.fromkeys(answer.kind for answer in answers))
    print(f"{len(answers)} answers; precision / recall / F1")
    print(f"{'':12}" + "".join(f"{name:>24}" for name in aligners))
    for kind in [*kinds, "all"]:
        chosen = [answer for answer in answers if kind in {answer.kind, "all"}]
        cells = []
        for align in aligners.values():
            hits = found = wanted = 0
            for answer in chosen:
                places = align(answer)
                hits, found, wanted = hits + len(places & answer.gold), found + len(places), wanted + len(answer.gold)
            precision, recall = hits / max(found, 1), hits / max(wanted, 1)
            cells.append(f"{precision:.3f} {recall:.3f} {2 * hits / max(found + wanted, 1):.3f}")
        print(f"{kind:12}" + "".join(f"{cell:>24}" for cell in cells))


def align_ours(answer: Answer) -> set[tuple[int, int]]:
    if answer.copy:
        return {(e.start, e.end) for e in transfer_spans(answer.copy, answer.text).entities}
    return {(e.start, e.end) for e in align_values(answer.text, answer.values, answer.language).entities}


def find_others() -> dict[str, Aligner | None]:
    """The aligners of other packages, as their own pipelines call them; None where one is not installed."""
    return {"langextract": _find_langextract(), "spacy-llm": _find_spacy_llm()}


def _find_langextract() -> Aligner | None:
    try:
        from langextract.core.data import Extraction  # type: ignore[import-not-found]
        from langextract.resolver import WordAligner  # type: ignore[import-not-found]
        from langextract.tokenizer import UnicodeTokenizer  # type: ignore[import-not-found]
    except ImportError:
        return None

    def align(answer: Answer) -> set[tuple[int, int]]:
        wanted = [Extraction(extraction_class=label, extraction_text=value) for value, label in answer.values]
        groups = WordAligner().align_extractions([wanted], answer.text, tokenizer_impl=UnicodeTokenizer())
        intervals = (extraction.char_interval for group in groups for extraction in group)
        return {(i.start_pos, i.end_pos) for i in intervals if i is not None and i.start_pos is not None}

    return align


def _find_spacy_llm() -> Aligner | None:
    try:
        from spacy_llm.tasks.util.parsing import find_substrings  # type: ignore[import-not-found]
    except ImportError:
        return None

    def align(answer: Answer) -> set[tuple[int, int]]:
        return set(find_substrings(answer.text, [value for value, _ in answer.values]))

    return align


def make_answers(per_kind: int) -> list[Answer]:
    rng = random.Random(7)
    samples = [sample for sample in _draw_samples(per_kind * 4) if sample.best and sample.best.entities]
    makers: dict[str, Callable[[random.Random, int], Answer]] = {
        "typography": lambda rng, n: _alter_typography(rng, samples[n]),
        "repeats": lambda rng, n: _make_repeat(rng, samples[per_kind + n]),
        "homographs": _make_homograph,
        "scripts": _make_script,
        "endings": _make_ending,
        "paraphrase": lambda rng, n: _paraphrase(rng, samples[2 * per_kind + n]),
    }
    return [make(rng, number) for make in makers.values() for number in range(per_kind)]


def _draw_samples(count: int) -> list[Sample]:
    """Documents of the offline author."""
    samples = []
    for number in range(count):
        spec = draw_spec(7, number, ["en", "de", "fr", "es"], LABELS)
        tagged = compose_document(spec, LABELS)
        annotation = Annotation(Author.model("offline"), tagged.entities)
        samples.append(Sample(tagged.text, spec.language, annotations=(annotation,)))
    return samples


def _alter_typography(rng: random.Random, sample: Sample) -> Answer:
    """The text keeps its typography; the answer writes each value in another."""
    entities = [e for e in (sample.best.entities if sample.best else ()) if e.end - e.start > 2]
    text, spans = sample.text, {(e.start, e.end) for e in entities}
    turns: tuple[Callable[[str], str], ...] = (
        lambda v: v.replace(" ", "\u00a0"),
        lambda v: v.replace("'", "’").replace("-", "–"),
        lambda v: unicodedata.normalize("NFD", v),
        lambda v: v.replace(" ", "  "),
        lambda v: v[:2] + "\u00ad" + v[2:],
        lambda v: "".join(chr(ord(c) + 0xFEE0) if "!" <= c <= "~" else c for c in v),
    )
    surfaces = dict.fromkeys((text[e.start : e.end], e.label) for e in entities)
    values = tuple((rng.choice(turns)(value), label) for value, label in surfaces)
    return Answer("typography", text, frozenset(spans), values)


def _make_repeat(rng: random.Random, sample: Sample) -> Answer:
    name = rng.choice(NAMES)
    text = f"{name} wrote to {name} again. {name}ville is far. Ask {name}, please: {name}."
    places = [0, text.index(f"to {name}") + 3, text.index(f"Ask {name}") + 4, text.rindex(name)]
    return Answer("repeats", text, frozenset((p, p + len(name)) for p in places), ((name, "FIRSTNAME"),))


def _make_homograph(rng: random.Random, number: int) -> Answer:
    word, name = rng.choice(WORDS), rng.choice(NAMES)
    text = f"{word} I ask? I met {name} {word} and {name} left. {word} was long ago."
    values = ((name, "FIRSTNAME"), (word, "SURNAME"))
    names = [text.index(name), text.rindex(name)]
    surname = text.index(f"{name} {word}") + len(name) + 1
    gold = {(p, p + len(name)) for p in names} | {(surname, surname + len(word))}
    return Answer("homographs", text, frozenset(gold), values)


def _make_script(rng: random.Random, number: int) -> Answer:
    template, names = SCRIPTS[number % len(SCRIPTS)]
    name = rng.choice(names.split())
    text = template.format(name)
    return Answer(
        "scripts", text, frozenset({(text.index(name), text.index(name) + len(name))}), ((name, "FIRSTNAME"),)
    )


def _make_ending(rng: random.Random, number: int) -> Answer:
    language, template, names = ENDINGS[number % len(ENDINGS)]
    name = rng.choice(names.split())
    text = template.format(name)
    places = [i for i in range(len(text)) if text.startswith(name, i)]
    gold = frozenset((p, p + len(name)) for p in places)
    return Answer("endings", text, gold, ((name, "CITY"),), language=language)


def _paraphrase(rng: random.Random, sample: Sample) -> Answer:
    """A tagged copy in which some words between the entities are changed, dropped or doubled."""
    entities = sample.best.entities if sample.best else ()
    text = sample.text
    pieces: list[str] = []
    cursor = 0
    for entity in (*entities, Entity(len(text), len(text), "")):
        words = text[cursor : entity.start].split(" ")
        for at in range(len(words)):
            if words[at] and rng.random() < 0.08:
                words[at] = rng.choice(("", f"{words[at]} {words[at]}", "indeed", words[at].upper()))
        pieces += (" ".join(words), text[entity.start : entity.end])
        cursor = entity.end
    copy, offset, moved = "".join(pieces), 0, []
    for number, entity in enumerate(entities):
        offset = len("".join(pieces[: 2 * number + 1]))
        moved.append(Entity(offset, offset + entity.end - entity.start, entity.label))
    tagged = parse_tagged(render_tagged(copy, moved), LABELS)
    values = tuple(dict.fromkeys((text[e.start : e.end], e.label) for e in entities))
    return Answer("paraphrase", text, frozenset((e.start, e.end) for e in entities), values, tagged)


if __name__ == "__main__":
    main()
