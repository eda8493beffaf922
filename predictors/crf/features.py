"""What a linear-chain CRF sees of each token.

Its form and its neighbours; the name of the field that it stands in (`City: Lyon`, or a heading on the line above);
the other places of the same word; and what another predictor says. The last makes it a stacked model (Wolpert 1992): it
learns from few reviews where the predictor beneath it is right.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import Counter, defaultdict
from collections.abc import Sequence

from goldspan.annotation.corpus.uncertainty import find_tokens
from goldspan.annotation.types import Entity

Token = tuple[int, int]
OUTSIDE = "O"
_LONGEST = 24
"""Characters of a word that are looked at."""

SHORTEST_REPEATED = 3
"""Characters of a word whose other places say something."""

_MOST_REPEATED = 4
_FIELD_MARKS = frozenset(":=–")
_LONGEST_FIELD = 8
"""Tokens of a line up to its mark, or of a heading."""

_HEADED = 4
"""Tokens of a line that the heading above it names."""


def find_places(tokens: Sequence[Token], start: int, end: int) -> range:
    """The places of the tokens that a span overlaps."""
    first = bisect_right(tokens, start, key=lambda token: token[1])
    return range(first, max(first, bisect_left(tokens, end, key=lambda token: token[0])))


def tag_tokens(tokens: Sequence[Token], entities: Sequence[Entity]) -> list[str]:
    """One BIO tag a token: that of the first entity it overlaps, `O` without one. Entities are in text order."""
    tags = [OUTSIDE] * len(tokens)
    place = 0
    for entity in sorted(entities, key=lambda e: (e.start, -e.end)):
        while place < len(tokens) and tokens[place][1] <= entity.start:
            place += 1
        first = place
        while place < len(tokens) and tokens[place][0] < entity.end:
            tags[place] = f"{'B' if place == first else 'I'}-{entity.label}"
            place += 1
    return tags


def read_tags(tokens: Sequence[Token], tags: Sequence[str]) -> list[tuple[int, int, str]]:
    """Runs of one label as (first token, token behind the last, label); an `I` that follows no such run begins one."""
    runs: list[tuple[int, int, str]] = []
    for place, tag in enumerate(tags[: len(tokens)]):
        if tag == OUTSIDE:
            continue
        label = tag[2:]
        if tag.startswith("I-") and runs and runs[-1][1] == place and runs[-1][2] == label:
            runs[-1] = (runs[-1][0], place + 1, label)
        else:
            runs.append((place, place + 1, label))
    return runs


def describe_text(text: str, language: str, beneath: Sequence[Entity]) -> tuple[list[Token], list[list[str]]]:
    """The tokens of a text and the features of each.

    Args:
        text: the verbatim text.
        language: ISO 639-1, may be empty.
        beneath: the entities of the predictor beneath; empty without one.
    """
    tokens = find_tokens(text)
    words = [text[start:end][:_LONGEST] for start, end in tokens]
    lower = [word.lower() for word in words]
    rows = _describe_words(words, lower, language)
    _add_fields(rows, lower, _split_lines(text, tokens))
    opinions = tag_tokens(tokens, beneath) if beneath else []
    if beneath:
        _add_opinions(rows, lower, [make_shape(word) for word in words], opinions, _list_scores(tokens, beneath))
    _add_repetitions(rows, words, lower, opinions)
    return tokens, rows


def make_shape(word: str) -> str:
    """The form of a word: capitals as X, small letters as x, digits as 0; runs longer than four are shortened."""
    shape: list[str] = []
    for character in word:
        kind = "X" if character.isupper() else "x" if character.islower() else "0" if character.isdigit() else character
        if shape[-4:] != [kind] * 4:
            shape.append(kind)
    return "".join(shape)


def _describe_words(words: Sequence[str], lower: Sequence[str], language: str) -> list[list[str]]:
    """The form of each token, and those of its neighbours."""
    shapes = [make_shape(word) for word in words]
    around = ["", "", *lower, "", ""]
    forms = ["", *shapes, ""]
    rows = []
    for place, (low, shape) in enumerate(zip(lower, shapes, strict=True)):
        before2, before, _, after, after2 = around[place : place + 5]
        row = ["bias", f"w={low}", f"s={shape}", f"l={min(len(low), 12)}", f"g={language}"]
        row += [f"p{size}={low[:size]}" for size in (1, 2, 3)] + [f"e{size}={low[-size:]}" for size in (1, 2, 3, 4)]
        row += [f"w-1={before}", f"w+1={after}", f"w-2={before2}", f"w+2={after2}", f"wb={before2}|{before}"]
        row += [f"ws={before}|{shape}", f"sa={shape}|{after}", f"s-1={forms[place]}", f"s+1={forms[place + 2]}"]
        row.append(f"ss={forms[place]}|{shape}|{forms[place + 2]}")
        rows.append(row)
    return rows


def _split_lines(text: str, tokens: Sequence[Token]) -> list[range]:
    """The places of the tokens of each line; lines without tokens are left out."""
    starts = [
        place for place, (start, _) in enumerate(tokens) if place == 0 or "\n" in text[tokens[place - 1][1] : start]
    ]
    return [range(start, end) for start, end in zip(starts, [*starts[1:], len(tokens)], strict=False)]


def _add_fields(rows: Sequence[list[str]], lower: Sequence[str], lines: Sequence[range]) -> None:
    """The borders of lines, and the name of the field of a token: left of `:`, `=` or a dash, or the line above."""
    above: list[str] = []
    for line in lines:
        rows[line[0]].append("first")
        rows[line[-1]].append("last")
        mark = next((place for place in line[1:_LONGEST_FIELD] if lower[place] in _FIELD_MARKS), None)
        if mark is not None:
            name = lower[line[0] : mark]
            for place in range(mark + 1, line[-1] + 1):
                rows[place] += [f"fl={name[-1]}", *(f"f={word}" for word in name)]
            if mark < line[-1]:
                rows[mark + 1].append(f"f1={name[-1]}")
        else:
            for place in line[:_HEADED]:
                rows[place] += [f"pl={word}" for word in above]
        above = list(lower[line[0] : line[-1] + 1]) if len(line) <= _LONGEST_FIELD else []


def _list_scores(tokens: Sequence[Token], entities: Sequence[Entity]) -> list[float]:
    """The score of the entity at each token: 0 outside, 1 for an entity without a score."""
    scores = [0.0] * len(tokens)
    for entity in entities:
        for place in find_places(tokens, entity.start, entity.end):
            scores[place] = 1.0 if entity.score is None else entity.score
    return scores


def _add_opinions(
    rows: Sequence[list[str]],
    lower: Sequence[str],
    shapes: Sequence[str],
    opinions: Sequence[str],
    scores: Sequence[float],
) -> None:
    """What the predictor beneath says of a token and of its neighbours, and how sure it is."""
    tags = ["", "", *opinions, "", ""]
    words = ["", *lower, ""]
    for place, row in enumerate(rows):
        before2, before, mine, after, after2 = tags[place : place + 5]
        row += [f"t={mine}", f"t-1={before}", f"t+1={after}", f"t-2={before2}", f"t+2={after2}"]
        row += [f"tt={before}|{mine}", f"ta={mine}|{after}", f"ts={mine}|{shapes[place]}"]
        row += [f"wt={words[place]}|{mine}", f"tw={mine}|{words[place + 2]}"]
        if mine != OUTSIDE:
            row.append(f"tc={mine}|{int(5 * scores[place])}")


def _add_repetitions(
    rows: Sequence[list[str]], words: Sequence[str], lower: Sequence[str], opinions: Sequence[str]
) -> None:
    """The neighbours of the other places of a word, and what the predictor beneath says there."""
    places: defaultdict[str, list[int]] = defaultdict(list)
    for place, word in enumerate(lower):
        if len(word) >= SHORTEST_REPEATED and word[0].isalpha():
            places[word].append(place)
    around = ["", *lower, ""]
    for same in places.values():
        if len(same) == 1:
            continue
        counts = Counter(opinions[place] for place in same) if opinions else Counter[str]()
        first_two = {tag: [place for place in same if opinions[place] == tag][:2] for tag in counts}
        for place in same:
            rows[place].append(f"rn={min(len(same) - 1, 3)}")
            for other in [other for other in same[: _MOST_REPEATED + 1] if other != place][:_MOST_REPEATED]:
                rows[place] += [f"rb={around[other]}", f"ra={around[other + 2]}"]
            if not opinions:
                continue
            elsewhere = {tag: [other for other in two if other != place] for tag, two in first_two.items()}
            tags = sorted((tag for tag, others in elsewhere.items() if others), key=lambda tag: elsewhere[tag][0])
            rows[place] += [f"rt={tag}" for tag in tags]
            entities = [tag for tag in tags if tag != OUTSIDE]
            if entities:
                commonest = max(entities, key=lambda tag: counts[tag] - (tag == opinions[place]))
                rows[place].append(f"rm={commonest}|{opinions[place]}")
