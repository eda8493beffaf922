"""Values in software's shapes: tables, JSON, YAML, XML, SQL and log lines, with keys that combine."""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from goldspan.generators.surrogates.chance import draw_digits, pick
from goldspan.generators.surrogates.online import make_slug

if TYPE_CHECKING:
    from goldspan.generators.offline.author import Author

_MESSAGE_SHARE = 0.4
"""How often a log line is followed by one in the document's language."""


class Words(NamedTuple):
    """Words of records and logs, the same in every language."""

    owners: tuple[str, ...]
    levels: tuple[str, ...]
    components: tuple[str, ...]
    verbs: tuple[str, ...]
    notes: tuple[str, ...]
    keys: Mapping[str, tuple[str, ...]]
    free: tuple[tuple[tuple[str, ...], tuple[str, ...]], ...]
    """Fields that are no personal data: the kinds of noise that they hold, and their keys."""


@cache
def load_words() -> Words:
    """The words of `lexicon/software.toml`."""
    path = Path(__file__).with_name("lexicon") / "software.toml"
    document = tomllib.loads(path.read_text(encoding="utf-8"))
    keys = {label: tuple(words.split()) for label, words in document["keys"].items()}
    free = tuple((tuple(kinds.split()), tuple(words.split())) for kinds, words in document["free"].items())
    owners, levels, components, verbs, notes = (
        tuple(document[name].split()) for name in ("owners", "levels", "components", "verbs", "notes")
    )
    return Words(owners, levels, components, verbs, notes, keys, free)


@dataclass(frozen=True, slots=True)
class Field:
    """A field of a record: its key, and a label with a person whose value it holds, or a text of some kind of noise."""

    key: str
    label: str = ""
    person: int = 0
    text: str = ""
    kinds: tuple[str, ...] = ()


def write_record(author: Author) -> None:
    """A record for each person, or several of nobody, in one of software's notations."""
    writers: tuple[Callable[[Author, Sequence[Field]], None], ...] = (
        _write_json,
        _write_json,
        _write_json,
        _write_yaml,
        _write_xml,
        _write_query,
    )
    write = pick(author.rng, writers)
    for number, fields in enumerate(_list_records(author)):
        author.page.write("\n" if number else "")
        write(author, fields)
        author.page.write("\n")


def write_table(author: Author) -> None:
    """A table: a heading, and a row for each person or several rows of nobody."""
    rng, page = author.rng, author.page
    records = _list_records(author)
    if not author.spec.persons:
        records += [[_draw_again(author, field) for field in records[0]] for _ in range(2)]
    keys = list(dict.fromkeys((field.label or field.key) for fields in records for field in fields))
    names = {field.label or field.key: field.key for fields in records for field in fields}
    left, separator, right = pick(
        rng, (("", ";", ""), ("", "\t", ""), ("| ", " | ", " |"), ("", ",", ""), ("", "   ", ""))
    )
    if rng.random() < 0.5:
        page.write(f"{author.noise.draw('Subject_line')}\n\n")
    page.write(left + separator.join(names[key] for key in keys) + right + "\n")
    if left:
        page.write(left + separator.join("---" for _ in keys) + right + "\n")
    for fields in records:
        cells = {field.label or field.key: field for field in fields}
        page.write(left)
        for number, key in enumerate(keys):
            page.write(separator if number else "")
            _write_field(author, cells.get(key, Field(key, text=pick(rng, ("-", "n/a", "?")))))
        page.write(right + "\n")


def write_log(author: Author) -> None:
    """Log lines, some of them with a value or two."""
    rng, page, words = author.rng, author.page, load_words()
    day = author.noise.timeline.draw_past()
    hour, minute, second = rng.randint(0, 22), rng.randint(0, 30), rng.randint(0, 59)
    style = rng.randrange(3)
    waiting = [field for fields in _list_records(author) for field in fields]
    while waiting or page.length < 120:
        second += rng.randint(1, 50)
        time = f"{hour:02d}:{minute + second // 60:02d}:{second % 60:02d}"
        level, component, other, verb = (
            pick(rng, part) for part in (words.levels, words.components, words.components, words.verbs)
        )
        stamp = (
            f"{day.isoformat()}T{time}Z {level} [{component}]",
            f"{day:%b %d} {time} {component}-{rng.randint(1, 9)} {other}[{draw_digits(rng, 4)}]:",
            f"[{time}] {component}.{other} {level} -",
        )[style]
        page.write(f"{stamp} {other} {verb}")
        for _ in range(min(len(waiting), rng.randint(1, 3))):
            field = waiting.pop(0)
            page.write(pick(rng, (f" {field.key}=", f" {field.key}: ", f" {pick(rng, words.verbs)} {field.key}=")))
            _write_field(author, field)
        free = _draw_free(author, rng.randrange(4))
        page.write(f" {free.key}={free.text}\n")
        if rng.random() < _MESSAGE_SHARE:
            page.write(f"{stamp} {author.noise.draw(pick(rng, ('Sentence', 'Ask')))}\n")


def _list_records(author: Author) -> list[list[Field]]:
    """The fields of each person, values and others mixed; without persons one record of others."""
    rng = author.rng
    style, prefix = rng.randrange(5), pick(rng, load_words().owners)
    records = []
    for person in range(1, author.spec.persons + 1):
        labels = [label for label in author.account.values[person] if label in author.account.missing[person]]
        rng.shuffle(labels)
        fields = [Field(_make_key(author, label, style, prefix), label, person) for label in labels]
        for _ in range(rng.randint(2, 5)):
            fields.insert(rng.randint(0, len(fields)), _draw_free(author, style))
        unique = {field.key: field for field in fields}
        records.append([field for field in fields if unique[field.key] is field or field.label])
    if not records:
        fields = [_draw_free(author, style) for _ in range(rng.randint(5, 9))]
        records.append(list({field.key: field for field in fields}.values()))
    return records


def _make_key(author: Author, label: str, style: int, prefix: str) -> str:
    rng = author.rng
    name = pick(rng, load_words().keys[label]) if label in load_words().keys else make_slug(author.labels[label].name)
    kind = rng.random()
    if kind < 0.3:
        name = f"{prefix}_{name}"
    elif kind < 0.65:
        name = f"{pick(rng, load_words().owners)}_{name}"
    return _style_key(name, style)


def _style_key(name: str, style: int) -> str:
    words = name.split("_")
    if style == 0:
        return name
    if style == 1:
        return words[0] + "".join(word.capitalize() for word in words[1:])
    if style == 2:
        return "-".join(words)
    return name.upper() if style == 3 else " ".join(words).capitalize()


def _draw_free(author: Author, style: int) -> Field:
    """A field that is no personal data."""
    rng, words = author.rng, load_words()
    if rng.random() < 0.15:
        return _draw_again(author, Field(_style_key(pick(rng, words.notes), style), kinds=("Sentence",)))
    kinds, keys = pick(rng, words.free)
    return _draw_again(author, Field(_style_key(pick(rng, keys), style), kinds=kinds))


def _draw_again(author: Author, field: Field) -> Field:
    """The field with another text of its kinds."""
    return replace(field, text=author.noise.draw(pick(author.rng, field.kinds)).replace('"', "'"))


def _write_field(author: Author, field: Field) -> None:
    if field.label:
        author.write_value(field.person, field.label)
    else:
        author.page.write(field.text)


def _write_json(author: Author, fields: Sequence[Field]) -> None:
    rng, page = author.rng, author.page
    line, indent = ("\n", "  ") if rng.random() < 0.6 else (" ", "")
    page.write("{" + line)
    for number, field in enumerate(fields):
        page.write(("," + line if number else "") + f'{indent}"{field.key}": "')
        _write_field(author, field)
        page.write('"')
    page.write(line + "}")


def _write_yaml(author: Author, fields: Sequence[Field]) -> None:
    author.page.write(f"{pick(author.rng, load_words().owners)}:\n")
    for field in fields:
        author.page.write(f"- {field.key}: " if author.rng.random() < 0.1 else f"{field.key}: ")
        _write_field(author, field)
        author.page.write("\n")


def _write_xml(author: Author, fields: Sequence[Field]) -> None:
    page, name = author.page, pick(author.rng, load_words().owners)
    page.write(f'<record type="{name}">\n')
    for field in fields:
        page.write(f'<field name="{field.key}">')
        _write_field(author, field)
        page.write("</field>\n")
    page.write("</record>")


def _write_query(author: Author, fields: Sequence[Field]) -> None:
    page = author.page
    page.write(f"{pick(author.rng, ('UPDATE', 'PATCH', 'set', 'INSERT'))} {pick(author.rng, load_words().owners)} ")
    for number, field in enumerate(fields):
        page.write(f"{', ' if number else ''}{field.key.replace(' ', '_')}='")
        _write_field(author, field)
        page.write("'")
    page.write(";")
