"""Values in software's shapes: tables, JSON, YAML, XML, SQL and log lines, with keys that combine."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from goldspan.generators.surrogates.chance import draw_digits, pick
from goldspan.generators.surrogates.online import make_slug

if TYPE_CHECKING:
    from goldspan.generators.offline.author import Author

_OWNERS = (
    "customer user contact billing shipping account patient tenant employee holder primary new old emergency guest "
    "member client sender recipient applicant profile home work delivery legal"
).split()
_KEYS = {
    "FIRSTNAME": "first_name given_name forename fname",
    "SURNAME": "last_name surname family_name lname",
    "USERNAME": "user login username handle uid",
    "EMAIL": "email mail email_address reply_to",
    "PHONENUMBER": "phone mobile tel msisdn callback",
    "URL": "url website profile_url homepage",
    "BUILDINGNUM": "house_number street_no building number",
    "STREET": "street street_name address_line1 road",
    "CITY": "city town locality place",
    "STATE": "state region province area",
    "ZIP": "zip postcode postal_code plz",
    "COUNTRY": "country country_name origin_country nationality",
    "DATEOFBIRTH": "dob birth_date born date_of_birth",
    "AGE": "age age_years years",
    "SSN": "ssn social_security_number insurance_no",
    "NATIONALID": "national_id personal_number id_number",
    "IDCARDNUM": "id_card identity_card card_serial",
    "PASSPORTID": "passport passport_no travel_doc",
    "DRIVERLICENSENUM": "license_no driver_license licence",
    "TAXNUM": "tax_id tax_number tin",
    "LICENSEPLATENUM": "plate vehicle registration",
    "CREDITCARDNUMBER": "card pan card_number",
    "IBAN": "iban account_no bank_account",
    "COMPANYNAME": "company employer organisation org",
    "PASSWORD": "password pwd secret passphrase",
    "SECURITYTOKEN": "token api_key otp access_token",
}
_FREE: Mapping[str, tuple[str, ...]] = {
    "order ticket model version invoice tracking": ("id", "ref", "order_no", "ticket", "case", "sku", "batch", "checksum"),
    "count percent": ("retries", "priority", "quantity", "progress", "score", "level"),
    "day time": ("created_at", "updated_at", "expires", "last_seen", "due"),
    "word topic paper": ("status", "tags", "category", "note", "reason", "channel", "queue", "locale"),
    "City": ("warehouse", "branch", "depot", "data_center", "event_city", "airport"),
    "Company": ("carrier", "vendor", "brand", "manufacturer", "sponsor", "software"),
    "goods device gadget": ("item", "product", "device", "article"),
    "Person": ("building_name", "award", "school_name", "foundation", "ship"),
    "Street": ("bus_stop", "shop_street", "gate"),
}
"""Fields that are no personal data: what they hold (kinds of noise), and their keys."""
_LEVELS = ("INFO", "WARN", "ERROR", "DEBUG", "NOTICE")
_COMPONENTS = (
    "auth billing mailer import export sync api worker gateway cron search cache upload session audit notifier scheduler "
    "crm webhook parser renderer archive backup"
).split()
_VERBS = (
    "accepted rejected updated created deleted sent queued failed retried matched merged verified expired locked "
    "unlocked exported skipped"
).split()


@dataclass(frozen=True, slots=True)
class Field:
    """A field of a record: its key, and a label with a person whose value it holds, or a text."""

    key: str
    label: str = ""
    person: int = 0
    text: str = ""


def write_record(author: Author) -> None:
    """A record for each person, or several of nobody, in one of software's notations."""
    writers: tuple[Callable[[Author, Sequence[Field]], None], ...] = (_write_json, _write_yaml, _write_xml, _write_query)
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
        records = [*records, *(rng.sample(records[0], len(records[0])) for _ in range(2))]
    keys = list(dict.fromkeys((field.label or field.key) for fields in records for field in fields))
    names = {field.label or field.key: field.key for fields in records for field in fields}
    left, separator, right = pick(rng, (("", ";", ""), ("", "\t", ""), ("| ", " | ", " |"), ("", ",", ""), ("", "   ", "")))
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
    rng, page = author.rng, author.page
    day = author.noise.timeline.draw_past()
    hour, minute, second = rng.randint(0, 22), rng.randint(0, 30), rng.randint(0, 59)
    style = rng.randrange(3)
    waiting = [field for fields in _list_records(author) for field in fields]
    while waiting or page.length < 120:
        second += rng.randint(1, 50)
        time = f"{hour:02d}:{minute + second // 60:02d}:{second % 60:02d}"
        level, component, verb = pick(rng, _LEVELS), pick(rng, _COMPONENTS), pick(rng, _VERBS)
        stamp = (
            f"{day.isoformat()}T{time}Z {level} [{component}]",
            f"{day:%b %d} {time} {component}-{rng.randint(1, 9)} {pick(rng, _COMPONENTS)}[{draw_digits(rng, 4)}]:",
            f"[{time}] {component}.{pick(rng, _COMPONENTS)} {level} -",
        )[style]
        page.write(f"{stamp} {pick(rng, _COMPONENTS)} {verb}")
        for _ in range(min(len(waiting), rng.randint(1, 3))):
            field = waiting.pop(0)
            page.write(pick(rng, (f" {field.key}=", f" {field.key}: ", f" {pick(rng, _VERBS)} {field.key}=")))
            _write_field(author, field)
        free = _draw_free(author, rng.randrange(4))
        page.write(f" {free.key}={free.text}\n")


def _list_records(author: Author) -> list[list[Field]]:
    """The fields of each person, values and others mixed; without persons one record of others."""
    rng = author.rng
    style, prefix = rng.randrange(5), pick(rng, _OWNERS)
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
    name = pick(rng, _KEYS[label].split()) if label in _KEYS else make_slug(author.labels[label].name)
    kind = rng.random()
    if kind < 0.3:
        name = f"{prefix}_{name}"
    elif kind < 0.65:
        name = f"{pick(rng, _OWNERS)}_{name}"
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
    kinds = pick(author.rng, tuple(_FREE))
    return Field(
        _style_key(pick(author.rng, _FREE[kinds]), style), text=author.noise.draw(pick(author.rng, kinds.split()))
    )


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
    author.page.write(f"{pick(author.rng, _OWNERS)}:\n")
    for field in fields:
        author.page.write(f"- {field.key}: " if author.rng.random() < 0.1 else f"{field.key}: ")
        _write_field(author, field)
        author.page.write("\n")


def _write_xml(author: Author, fields: Sequence[Field]) -> None:
    page, name = author.page, pick(author.rng, _OWNERS)
    page.write(f"<{name}>\n")
    for field in fields:
        tag = field.key.replace(" ", "_").lower()
        page.write(f"<{tag}>")
        _write_field(author, field)
        page.write(f"</{tag}>\n")
    page.write(f"</{name}>")


def _write_query(author: Author, fields: Sequence[Field]) -> None:
    page = author.page
    page.write(f"{pick(author.rng, ('UPDATE', 'PATCH', 'set', 'INSERT'))} {pick(author.rng, _OWNERS)} ")
    for number, field in enumerate(fields):
        page.write(f"{', ' if number else ''}{field.key.replace(' ', '_')}='")
        _write_field(author, field)
        page.write("'")
    page.write(";")
