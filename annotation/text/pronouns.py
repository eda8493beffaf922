"""Classify mentions by pronoun lists."""

from __future__ import annotations

_PRONOUNS = {
    "en": "i me my mine myself you your yours yourself he him his himself she her hers herself they them their "
    "theirs themself themselves we us our ours it its itself who whom whose",
    "de": "ich mich mir mein meine meiner meinem meinen du dich dir dein deine deiner deinem deinen er ihn ihm "
    "sein seine seiner seinem seinen seines sie ihr ihre ihrer ihrem ihren ihres wir uns unser unsere "
    "unserer unserem unseren es ihnen sich der die dessen deren",
    "fr": "je me moi mon ma mes tu te toi ton ta tes il elle lui le la se soi son sa ses nous notre nos vous "
    "votre vos ils elles leur leurs eux qui",
    "es": "yo me mi mis mí tú te ti tu tus él ella ello le lo la se sí su sus suyo suya suyos suyas nosotros "
    "nos nuestro nuestra usted ustedes ellos ellas les los las quien",
    "nl": "ik mij me mijn jij je jou jouw u uw hij hem zijn z'n zij ze haar d'r wij we ons onze jullie hen hun "
    "het zich die wie",
    "da": "jeg mig min mit mine du dig din dit dine han ham hans hun hende hendes vi os vores de dem deres sig "
    "sin sit sine det den i jer jeres",
}
_TABLE = {language: frozenset(words.split()) for language, words in _PRONOUNS.items()}


def list_pronouns(language: str) -> frozenset[str]:
    """Pronouns and possessives of a language (ISO 639-1), case-folded; empty where there is no list."""
    return _TABLE.get(language, frozenset())


def guess_mention_kind(surface: str, has_entity: bool, language: str) -> str:
    """MENTION if it holds a named entity, PRONOUN if the language has it as a pronoun, else REFERENCE."""
    if has_entity:
        return "MENTION"
    return "PRONOUN" if surface.casefold() in list_pronouns(language) else "REFERENCE"
