import pytest

from goldspan.annotation.errors import SchemaError
from goldspan.annotation.labels.schema import load_labels
from goldspan.generators.offline.bases import BASES
from goldspan.generators.offline.grammar import Choice, Grammar, Slot, Template, load_grammar, parse_template
from goldspan.generators.offline.noise import Noise
from goldspan.generators.specs.documents import DOCUMENT_TYPES
from goldspan.generators.surrogates.chance import make_random
from goldspan.generators.surrogates.world import COUNTRIES

PARTS = {"story", "facts", "others", "card", "dialog", "more", "neutral"}


def walk(template: Template) -> list[Slot]:
    slots: list[Slot] = []
    for node in template.nodes:
        if isinstance(node, Choice):
            slots += [slot for option in node.options for slot in walk(option)]
        elif isinstance(node, Slot):
            slots.append(node)
            slots += [node.inner] if node.inner else []
    return slots


def all_templates(grammar: Grammar) -> list[tuple[str, Template]]:
    tables = [("", grammar.lists), *((name, table.lists) for name, table in grammar.types.items())]
    return [(name, template) for name, lists in tables for templates in lists.values() for template in templates]


def test_a_template_is_read_into_text_choices_and_slots() -> None:
    template = parse_template("[{a.short}|{a:She|He}] moved to {CITY}.")
    choice = template.nodes[0]
    assert isinstance(choice, Choice)
    assert choice.options[0].nodes == (Slot("name", "a", "short"),)
    assert choice.options[1].nodes == (Slot("pronoun", "a", options=("She", "He")),)
    assert template.nodes[1:] == (" moved to ", Slot("value", "a", "CITY"), ".")


@pytest.mark.parametrize(
    ("source", "slot"),
    [
        ("{b.IBAN}", Slot("value", "b", "IBAN")),
        ("{a=the tenant}", Slot("reference", "a", options=("the tenant",))),
        ("{a!I}", Slot("deictic", "a", options=("I",))),
        ("{^Sie|du}", Slot("register", options=("Sie", "du"))),
        ("{>de a.full}", Slot("join", name="de", inner=Slot("name", "a", "full"))),
        ("{from COUNTRY}", Slot("country", "a", "from")),
        ("{#date}", Slot("noise", name="date")),
        ("{%facts}", Slot("part", name="facts")),
    ],
)
def test_every_kind_of_slot(source: str, slot: Slot) -> None:
    assert parse_template(source).nodes == (slot,)


def test_a_noun_phrase_may_hold_a_pronoun_of_somebody_else() -> None:
    slot = parse_template("{b={a:her|his} sister|{a:her|his} brother}").nodes[0]
    assert isinstance(slot, Slot)
    assert (slot.kind, slot.person) == ("reference", "b")
    assert [phrase.nodes for phrase in slot.phrases] == [
        (Slot("pronoun", "a", options=("her", "his")), " sister"),
        (Slot("pronoun", "a", options=("her", "his")), " brother"),
    ]


@pytest.mark.parametrize("source", ["[a|b", "a]b[", "{nonsense here}", "{a.nick}", "{a=x"])
def test_broken_templates_are_refused(source: str) -> None:
    with pytest.raises(SchemaError):
        parse_template(source)


@pytest.mark.parametrize("language", COUNTRIES)
def test_every_call_noise_and_part_exists(language: str) -> None:
    grammar = load_grammar(language)
    assert set(grammar.types) | set(BASES) == set(DOCUMENT_TYPES)
    labels = load_labels()
    noise = Noise(make_random(1, 1), language, COUNTRIES[language][0])
    for name, template in all_templates(grammar):
        own = grammar.types[name].lists if name else {key: () for t in grammar.types.values() for key in t.lists}
        for slot in walk(template):
            if slot.kind in {"call", "memo"}:
                assert slot.name in own or slot.name in grammar.lists, (template.source, slot.name)
            elif slot.kind == "noise":
                assert isinstance(noise.draw(slot.name), str)
            elif slot.kind == "part":
                assert slot.name in PARTS
            elif slot.kind == "value":
                assert slot.name in labels.entity_codes


@pytest.mark.parametrize("language", COUNTRIES)
@pytest.mark.parametrize("view", ["facts_first", "facts_third", "facts_key"])
def test_every_label_can_be_told_alone(language: str, view: str) -> None:
    grammar = load_grammar(language)
    for country in COUNTRIES[language]:
        templates = grammar.lists.get(f"{view}_{country}", grammar.lists[view])
        alone = {labels[0] for labels in ([*tell(grammar, t, country)] for t in templates) if len(labels) == 1}
        codes = load_labels().entity_codes - {"FIRSTNAME", "SURNAME"}
        assert codes <= alone, (country, codes - alone)


def tell(grammar: Grammar, template: Template, country: str) -> set[str]:
    labels: set[str] = set()
    for slot in walk(template):
        if slot.kind == "value":
            labels.add(slot.name)
        elif slot.kind == "country":
            labels.add("COUNTRY")
        elif slot.kind in {"call", "memo"}:
            inner = grammar.lists.get(f"{slot.name}_{country}", grammar.lists[slot.name])
            labels |= min((tell(grammar, option, country) for option in inner), key=len)
    return labels


@pytest.mark.parametrize("language", COUNTRIES)
def test_hard_negatives_name_nobody(language: str) -> None:
    grammar = load_grammar(language)
    tables = [grammar.lists, *(table.lists for table in grammar.types.values())]
    for lists in tables:
        for key in ("neutral", "neutral_any", "neutral_subject", "negative_plan", "agent", "caller", "item"):
            for template in lists.get(key, ()):
                assert all(slot.kind in {"noise", "call", "memo", "part", "join"} for slot in walk(template)), (
                    template.source
                )
