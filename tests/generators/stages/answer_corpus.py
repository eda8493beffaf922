# ruff: noqa: E501
"""Two hundred answers to drafts, in the manner of small and mid-size models.

Twenty documents, written by hand with their gold annotation, each in ten of forty-one manners of getting the answer
wrong or wrapping it oddly. A manner is a function of the good tagged text.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from typing import NamedTuple

DOCUMENTS: list[tuple[str, str]] = [
    ("en", "Dear Ms <SURNAME>Okafor</SURNAME>, thank you for your call. We will send the form to <EMAIL>h.okafor@mailbox.example</EMAIL> and to the branch in <CITY>Leeds</CITY>. If you have not received it by Friday, please let us know.\n\nKind regards,\n<FIRSTNAME>Hannah</FIRSTNAME> <SURNAME>Whitlock</SURNAME>"),
    ("en", "Incident report: the driver, <FIRSTNAME>Marcus</FIRSTNAME> <SURNAME>Boyle</SURNAME>, was going north on <STREET>Harper Lane</STREET> when the van with the plate <LICENSEPLATENUM>KX21 TRB</LICENSEPLATENUM> turned without a signal. <FIRSTNAME>Marcus</FIRSTNAME> was not hurt. The police in <CITY>Derby</CITY> have been told."),
    ("en", "hey, it's <FIRSTNAME>Priya</FIRSTNAME> from the choir :) my new number is <PHONENUMBER>+44 7700 900118</PHONENUMBER>, the old one is dead. can you tell <FIRSTNAME>Tom</FIRSTNAME> as well? he said he'd \"never\" pick up unknown calls"),
    ("en", "Invoice for <COMPANYNAME>Brightwell Joinery Ltd</COMPANYNAME>\nContact: <FIRSTNAME>Owen</FIRSTNAME> <SURNAME>Pritchard</SURNAME>\nPlease pay into <IBAN>GB33BUKB20201555555555</IBAN> within 14 days and quote the order number that is printed on the delivery note."),
    ("de", "Sehr geehrte Frau <SURNAME>Lindqvist</SURNAME>, wir haben Ihren Antrag erhalten. Bitte senden Sie uns noch eine Kopie des Ausweises an <EMAIL>service@hausbank.example</EMAIL>. Sie erreichen uns auch in <CITY>Kassel</CITY>, <STREET>Lindenweg</STREET> <BUILDINGNUM>118</BUILDINGNUM>.\n\nMit freundlichen Grüßen\n<FIRSTNAME>Jörg</FIRSTNAME> <SURNAME>Seidel</SURNAME>"),
    ("de", "Arztbrief über die Patientin <FIRSTNAME>Annegret</FIRSTNAME> <SURNAME>Voss</SURNAME>, geboren am <DATEOFBIRTH>04.11.1961</DATEOFBIRTH>. Frau <SURNAME>Voss</SURNAME> kam nach einem Sturz zu uns und war bei der Aufnahme wach und orientiert. Sie wohnt in <CITY>Celle</CITY> und wird von ihrer Tochter versorgt."),
    ("de", "hi <FIRSTNAME>Cem</FIRSTNAME>, ich bin ab morgen wieder da. ruf mich einfach an: <PHONENUMBER>0151 23456789</PHONENUMBER>. oder komm direkt in die <STREET>Gartenstraße</STREET>, ich bin den ganzen Tag zu Hause und freue mich, wenn du kommst"),
    ("fr", "Madame <SURNAME>Lefebvre</SURNAME>, nous vous remercions de votre message. Votre dossier est suivi par <FIRSTNAME>Éloïse</FIRSTNAME> <SURNAME>Garnier</SURNAME> à notre agence de <CITY>Nantes</CITY>. Vous pouvez la joindre au <PHONENUMBER>02 40 12 34 56</PHONENUMBER> ou par courriel."),
    ("fr", "Compte rendu : le conducteur, <FIRSTNAME>Bastien</FIRSTNAME> <SURNAME>Roche</SURNAME>, n'a pas vu le vélo qui venait de la droite. Il habite <STREET>rue des Tilleuls</STREET> à <CITY>Angers</CITY>. « Je ne l'ai pas vu », a dit <FIRSTNAME>Bastien</FIRSTNAME> aux agents qui sont venus sur place."),
    ("fr", "Bonjour, je m'appelle <FIRSTNAME>Solène</FIRSTNAME> et je cherche une colocation à <CITY>Brest</CITY>. Mon adresse est <EMAIL>solene.k@courriel.example</EMAIL>, je suis calme et je ne fume pas. Merci de me dire si la chambre est encore libre."),
    ("es", "Estimado señor <SURNAME>Ibarra</SURNAME>, le confirmamos que su cita con la doctora <SURNAME>Quiroga</SURNAME> es el lunes en <CITY>Burgos</CITY>. Si no puede venir, llame al <PHONENUMBER>947 123 456</PHONENUMBER> y le daremos otra hora."),
    ("es", "Contrato de alquiler entre <FIRSTNAME>Rocío</FIRSTNAME> <SURNAME>Montes</SURNAME> y la empresa <COMPANYNAME>Fincas Ardora SL</COMPANYNAME>. La vivienda está en la <STREET>calle del Olmo</STREET> de <CITY>Zamora</CITY>. La renta se paga los primeros cinco días de cada mes y <FIRSTNAME>Rocío</FIRSTNAME> acepta las condiciones."),
    ("es", "Hola, soy <FIRSTNAME>Iker</FIRSTNAME>. Mi usuario es <USERNAME>iker_volador</USERNAME> y no puedo entrar desde ayer. ¿Me pueden ayudar? El correo que usé para la cuenta es <EMAIL>iker@buzon.example</EMAIL> y ya probé con otra contraseña."),
    ("nl", "Geachte heer <SURNAME>Hoekstra</SURNAME>, hierbij bevestigen wij de levering van uw bestelling op het adres <STREET>Wilgenlaan</STREET> in <CITY>Zwolle</CITY>. Voor vragen kunt u bellen met <FIRSTNAME>Femke</FIRSTNAME> van onze afdeling verkoop, zij helpt u graag verder."),
    ("nl", "Hoi, met <FIRSTNAME>Joris</FIRSTNAME>! Ik heb mijn fiets verkocht en zoek een nieuwe in de buurt van <CITY>Breda</CITY>. Stuur gerust een bericht naar <EMAIL>joris.f@postvak.example</EMAIL>, dan kom ik kijken als het niet te ver is."),
    ("nl", "Verslag van het gesprek met mevrouw <SURNAME>Terpstra</SURNAME> over de huur. Zij woont sinds 2009 in de woning en wil dat <COMPANYNAME>Woonstede Beheer BV</COMPANYNAME> het dak laat maken. Haar telefoonnummer is <PHONENUMBER>06 12345678</PHONENUMBER> en zij is elke dag thuis."),
    ("da", "Kære <FIRSTNAME>Mette</FIRSTNAME>, tak for din ansøgning. Vi har talt med <FIRSTNAME>Søren</FIRSTNAME> <SURNAME>Brandt</SURNAME>, og han vil gerne møde dig i <CITY>Odense</CITY> på mandag. Ring til os, hvis du ikke kan komme. Med venlig hilsen\n<COMPANYNAME>Fjordbyg ApS</COMPANYNAME>"),
    ("da", "Hej, jeg hedder <FIRSTNAME>Asger</FIRSTNAME> og har mistet mit kort. Mit nummer er <PHONENUMBER>20 12 34 56</PHONENUMBER>, og jeg bor på <STREET>Birkevej</STREET> i <CITY>Vejle</CITY>. Kan I sende et nyt til mig, eller skal jeg selv hente det?"),
    ("en", "Forum post: has anyone else had trouble with <COMPANYNAME>Norvale Energy</COMPANYNAME>? They keep sending bills for my late father, <FIRSTNAME>Desmond</FIRSTNAME> <SURNAME>Achebe</SURNAME>, to my flat in <CITY>Cardiff</CITY>. I wrote to them twice from <EMAIL>t.achebe@letters.example</EMAIL> and have had no answer at all."),
    ("de", "Aktennotiz: Herr <SURNAME>Yıldız</SURNAME> hat heute angerufen und gefragt, ob die Miete für die Wohnung in <CITY>Moers</CITY> schon da ist. Er wird das Geld von der <COMPANYNAME>Kranich Bau GmbH</COMPANYNAME> bekommen und bittet um etwas Geduld. Rückruf unter <PHONENUMBER>02841 998877</PHONENUMBER>."),
]  # fmt: skip

_TAG = re.compile(r"<(/?)([A-Z]+)>")
_ENTITY = re.compile(r"<([A-Z]+)>(.*?)</\1>", re.DOTALL)


class Answer(NamedTuple):
    """One answer: the language, the gold tagged text, the manner, and what the model wrote."""

    language: str
    gold: str
    manner: str
    content: str


def _json(text: str, **more: object) -> str:
    return json.dumps({"tagged_text": text, **more}, ensure_ascii=False)


def _values(text: str) -> list[dict[str, str]]:
    return [{"value": value, "label": label} for label, value in dict.fromkeys(_ENTITY.findall(text))]


def _untag(text: str, choose: Callable[[int, str], bool]) -> str:
    count = -1

    def replace(match: re.Match[str]) -> str:
        nonlocal count
        count += 1
        return match[2] if choose(count, match[1]) else match[0]

    return _ENTITY.sub(replace, text)


def _join_names(text: str) -> str:
    return re.sub(r"<FIRSTNAME>([^<]*)</FIRSTNAME> <SURNAME>([^<]*)</SURNAME>", r"<FIRSTNAME>\1 \2</FIRSTNAME>", text)


def _cut(text: str) -> str:
    return _json(text)[: len(_json(text)) * 2 // 3]


MANNERS: dict[str, Callable[[str], str]] = {
    "as asked": _json,
    "fences": lambda t: f"```json\n{_json(t)}\n```",
    "fences and talk with a brace": lambda t: (
        f"Sure! Here is {{your}} document:\n```json\n{_json(t)}\n```\nLet me know!"
    ),
    "talk before": lambda t: f"Here's the requested document in JSON format:\n\n{_json(t)}",
    "talk after with a brace": lambda t: f"{_json(t)}\n\nNote: I used the format {{tagged_text}} as you asked.",
    "think block": lambda t: f"<think>\nThe user wants a letter. Use {{tagged_text}}.\n</think>\n\n{_json(t)}",
    "half a think block": lambda t: f"Okay, I need values first.\n</think>\n{_json(t)}",
    "trailing comma": lambda t: _json(t)[:-1] + ",\n}",
    "raw line breaks": lambda t: _json(t).replace("\\n", "\n").replace(". ", ".\n"[:1] + " ", 1),
    "smart quotes": lambda t: "{“tagged_text”: “" + t.replace("\n", "\\n").replace('"', "'") + "”}",
    "single quotes": lambda t: "{'tagged_text': " + repr(t) + "}",
    "python triple quotes": lambda t: '{"tagged_text": """' + t + '"""}',
    "unescaped quotes": lambda t: _json(t).replace('\\"', '"'),
    "unquoted key": lambda t: _json(t).replace('"tagged_text"', "tagged_text"),
    "no closing brace": lambda t: _json(t)[:-1],
    "no braces": lambda t: _json(t)[1:-1],
    "in a list": lambda t: f"[{_json(t)}]",
    "encoded twice": lambda t: json.dumps(_json(t), ensure_ascii=False),
    "wrapped": lambda t: json.dumps({"response": {"tagged_text": t}}, ensure_ascii=False),
    "extra keys": lambda t: _json(t, language="xx", entities=[], confidence=0.97),
    "camel case key": lambda t: _json(t).replace("tagged_text", "taggedText"),
    "comments": lambda t: "{\n  // the document\n  " + _json(t)[1:-1] + "\n}",
    "no JSON": lambda t: t,
    "no JSON, fenced": lambda t: f"```\n{t}\n```",
    "small-letter tags": lambda t: _json(_TAG.sub(lambda m: m[0].lower(), t)),
    "title-case tags": lambda t: _json(_TAG.sub(lambda m: f"<{m[1]}{m[2].title()}>", t)),
    "bracket tags": lambda t: _json(_TAG.sub(r"[\1\2]", t)),
    "link tags": lambda t: _json(_ENTITY.sub(r"[\2](\1)", t)),
    "escaped tags": lambda t: _json(_TAG.sub(r"&lt;\1\2&gt;", t)),
    "closing tags without slash": lambda t: _json(_TAG.sub(r"<\2>", t)),
    "tags with spaces": lambda t: _json(_TAG.sub(lambda m: f"< {m[1]}{m[2]} >", t)),
    "untagged": lambda t: _json(_TAG.sub("", t)),
    "half tagged": lambda t: _json(_untag(t, lambda n, _: n % 2 == 0)),
    "only names tagged": lambda t: _json(_untag(t, lambda _, label: label not in {"FIRSTNAME", "SURNAME"})),
    "repeats untagged": lambda t: _json(_untag(t, lambda n, _: n > 2)),
    "all CITY": lambda t: _json(_TAG.sub(r"<\1CITY>", t)),
    "own labels": lambda t: _json(t.replace("FIRSTNAME>", "PERSON>").replace("CITY>", "LOCATION>")),
    "names in one tag": lambda t: _json(_join_names(t)),
    "title in the tag": lambda t: _json(re.sub(r"\b(Frau|Ms|Madame|señor|heer|Herr) <SURNAME>", r"<SURNAME>\1 ", t)),
    "values without places": lambda t: json.dumps(
        {"text": _TAG.sub("", t), "entities": _values(t)}, ensure_ascii=False
    ),
    "cut off": _cut,
}


def iter_answers() -> Iterator[Answer]:
    """The two hundred answers: every manner four or five times, every document ten times."""
    names = list(MANNERS)
    number = 0
    for language, gold in DOCUMENTS:
        for _ in range(10):
            manner = names[number % len(names)]
            number += 1
            yield Answer(language, gold, manner, MANNERS[manner](gold))
        number += 1
