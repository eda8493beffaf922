"""Sixty more answers to drafts, in shapes that an outside tester would try: notations that are no JSON, calls of tools,
chat templates, other tags, values by place, escapes. A shape is a function of the good tagged text.

`READABLE` shapes say without doubt what is meant, the others must be refused.
"""

from __future__ import annotations

import html
import json
import re
from collections.abc import Callable, Iterator

from tests.generators.stages.answer_corpus import DOCUMENTS, Answer

_ENTITY = re.compile(r"<([A-Z]+)>(.*?)</\1>", re.DOTALL)
_TAG = re.compile(r"<(/?)([A-Z]+)>")


def _json(text: object, key: str = "tagged_text") -> str:
    return json.dumps({key: text}, ensure_ascii=False)


def _plain(text: str) -> str:
    return _TAG.sub("", text)


def _spans(text: str) -> list[tuple[int, int, str]]:
    spans, length, cursor = [], 0, 0
    for match in _ENTITY.finditer(text):
        length += match.start() - cursor
        spans.append((length, length + len(match[2]), match[1]))
        length += len(match[2])
        cursor = match.end()
    return spans


def _pairs(text: str) -> list[tuple[str, str]]:
    return [(value, label) for label, value in dict.fromkeys(_ENTITY.findall(text))]


def _by_place(text: str, shift: int = 0, names: tuple[str, str, str] = ("start", "end", "label")) -> str:
    entities = [
        dict(zip(names, (start + shift, end + shift, label), strict=True)) for start, end, label in _spans(text)
    ]
    return json.dumps({"text": _plain(text), "entities": entities}, ensure_ascii=False)


def _by_label(text: str) -> str:
    found: dict[str, list[str]] = {}
    for value, label in _pairs(text):
        found.setdefault(label, []).append(value)
    return json.dumps({"text": _plain(text), "entities": found}, ensure_ascii=False)


def _by_length(text: str) -> str:
    entities = [{"start": start, "length": end - start, "label": label} for start, end, label in _spans(text)]
    return json.dumps({"text": _plain(text), "entities": entities}, ensure_ascii=False)


def _inclusive(text: str) -> str:
    entities = [{"start": start, "end": end - 1, "label": label} for start, end, label in _spans(text)]
    return json.dumps({"text": _plain(text), "entities": entities}, ensure_ascii=False)


def _quote(text: str) -> str:
    doubled = text.replace('"', '""')
    return f'"{doubled}"'


def _indent(text: str) -> str:
    return text.replace("\n", "\n  ")


def _call(text: str, key: str = "arguments") -> str:
    return json.dumps({"name": "write_document", key: {"tagged_text": text}}, ensure_ascii=False)


def _retag(build: str) -> Callable[[str], str]:
    return lambda t: _json(_ENTITY.sub(build, t))


READABLE: dict[str, Callable[[str], str]] = {
    "YAML block": lambda t: f"tagged_text: |\n  {_indent(t)}\n",
    "YAML folded, fenced": lambda t: f"```yaml\n---\ntagged_text: >-\n  {_indent(t)}\n```",
    "YAML quoted": lambda t: f"tagged_text: {json.dumps(t, ensure_ascii=False)}\nlanguage: xx",
    "XML element": lambda t: f"<tagged_text>{t}</tagged_text>",
    "XML in an answer": lambda t: f'<?xml version="1.0"?>\n<answer>\n  <tagged_text>\n{t}\n  </tagged_text>\n</answer>',
    "XML CDATA": lambda t: f"<tagged_text><![CDATA[{t}]]></tagged_text>",
    "document element": lambda t: f"<document>\n{t}\n</document>",
    "bold key": lambda t: f"**tagged_text:** {t}",
    "heading": lambda t: f"## tagged_text\n\n{t}",
    "tool call": lambda t: _call(t),
    "tool call, arguments as a string": lambda t: json.dumps(
        {"type": "function", "function": {"name": "write", "arguments": _json(t)}}, ensure_ascii=False
    ),
    "tool call tags": lambda t: f"<tool_call>\n{_call(t)}\n</tool_call>",
    "tool call list": lambda t: f"[TOOL_CALLS] [{_call(t)}]",
    "function tag": lambda t: f"<function=write_document>{_json(t)}</function>",
    "python tag": lambda t: f"<|python_tag|>{_call(t, 'parameters')}<|eom_id|>",
    "channels": lambda t: (
        f"<|channel|>analysis<|message|>We need {{tags}}.<|end|><|start|>assistant<|channel|>final<|message|>{_json(t)}"
    ),
    "template tokens": lambda t: f"<|im_start|>assistant\n{_json(t)}<|im_end|>",
    "template tokens, no JSON": lambda t: f"{t}</s>",
    "talk after in another language": lambda t: f"{_json(t)}\n\n希望这份文件对您有帮助！如果需要修改，请告诉我。",
    "talk before in another language": lambda t: f"Claro, aquí tienes el documento:\n{_json(t)}\n¡Espero que te sirva!",
    "written twice": lambda t: f"{_json(t)}\n{_json(t)}",
    "draft, then final": lambda t: f"Draft: {_json(_plain(t))}\n\nI forgot the tags. Final: {_json(t)}",
    "echo of a completion": lambda t: json.dumps(
        {"choices": [{"message": {"role": "assistant", "content": _json(t)}}]}, ensure_ascii=False
    ),
    "JSON lines": lambda t: f'{_json(t)}\n{{"done": true}}',
    "doubled tags": lambda t: _json(_ENTITY.sub(r"<\1><\1>\2</\1></\1>", t)),
    "attributes": lambda t: _json(_ENTITY.sub(r'<\1 id="1" confidence="0.9">\2</\1>', t)),
    "namespace": lambda t: _json(_TAG.sub(r"<\1pii:\2>", t)),
    "small brackets": lambda t: _json(_TAG.sub(lambda m: f"[{m[1]}{m[2].lower()}]", t)),
    "braces": _retag(r"{\1}\2{/\1}"),
    "double braces": _retag(r"{{\1:\2}}"),
    "double angles": _retag(r"<<\1>>\2<</\1>>"),
    "wide angles": _retag("＜\\1＞\\2＜/\\1＞"),
    "backslash in the closing tag": lambda t: _json(_ENTITY.sub(r"<\1>\2<\\\1>", t)),
    "empty closing tag": _retag(r"<\1>\2</>"),
    "slash behind": _retag(r"<\1>\2<\1/>"),
    "named closing tag in other case": lambda t: _json(_ENTITY.sub(lambda m: f"<{m[1]}>{m[2]}</{m[1].lower()}>", t)),
    "BIO tags": _retag(r"<B-\1>\2</B-\1>"),
    "names of labels": lambda t: _json(
        t.replace("FIRSTNAME>", "First Name>").replace("PHONENUMBER>", "phone_number>").replace("EMAIL>", "E-Mail>")
    ),
    "punctuation in the tag": lambda t: _json(re.sub(r"</([A-Z]+)>([,.])", r"\2</\1>", t)),
    "bold values": _retag(r"**<\1>\2</\1>**"),
    "code values": _retag(r"`<\1>\2</\1>`"),
    "by place": _by_place,
    "by place, other names": lambda t: _by_place(t, names=("start_char", "end_char", "entity_type")),
    "by label": _by_label,
    "pairs": lambda t: json.dumps({"text": _plain(t), "entities": _pairs(t)}, ensure_ascii=False),
    "mapping": lambda t: json.dumps({"text": _plain(t), "entities": dict(_pairs(t))}, ensure_ascii=False),
    "other key": lambda t: _json(t, "document"),
    "tags under text": lambda t: _json(t, "text"),
    "under properties": lambda t: json.dumps({"type": "object", "properties": {"tagged_text": t}}, ensure_ascii=False),
    "lines": lambda t: _json(t.split("\n")),
    "HTML escapes": lambda t: _json(
        html.escape(t).replace("é", "&eacute;").replace("ö", "&ouml;").replace("ü", "&#252;")
    ),
    "HTML letters": lambda t: _json(re.sub(r"[^\x00-\x7f]", lambda m: f"&#x{ord(m[0]):x};", t)),
    "escaped letters": lambda t: json.dumps({"tagged_text": t}),
    "letters escaped twice": lambda t: json.dumps({"tagged_text": json.dumps(t)[1:-1].replace('\\"', '"')}),
    "python literals": lambda t: "{'notes': None, 'ok': True, 'tagged_text': " + repr(t) + "}",
    "hash comments": lambda t: "{\n  # the document\n  " + _json(t)[1:-1] + ",  # done\n}",
    "added strings": lambda t: _json(t).replace(". ", '. " +\n    "'),
    "adjacent strings": lambda t: _json(t).replace(". ", '. "\n    "'),
    "assignment": lambda t: f"const answer = {_json(t)};\nconsole.log(answer);",
    "boxed": lambda t: f"The final answer is $\\boxed{{{_json(t)}}}$",
    "nested fences": lambda t: f"````markdown\n```json\n{_json(t)}\n```\n````",
    "fence inside": lambda t: _json(f"```text\n{t}\n```"),
    "TOML": lambda t: f"tagged_text = {json.dumps(t, ensure_ascii=False)}",
    "TOML, several lines": lambda t: f'tagged_text = """\n{t}"""',
    "CSV": lambda t: "tagged_text\n" + _quote(t),
    "key in its key": lambda t: json.dumps({"tagged_text": {"tagged_text": t}}, ensure_ascii=False),
    "start and length": _by_length,
    "small labels": lambda t: json.dumps(
        {"text": _plain(t), "entities": [{"text": v, "type": code.lower()} for v, code in _pairs(t)]},
        ensure_ascii=False,
    ),
    "value (LABEL)": lambda t: json.dumps({"text": _plain(t), "entities": [f"{v} ({code})" for v, code in _pairs(t)]}),
    "LABEL: value": lambda t: json.dumps({"text": _plain(t), "entities": [f"{code}: {v}" for v, code in _pairs(t)]}),
    "HTML quotes": lambda t: html.escape(_json(t)) if '"' not in t else _json(t),
    "HTML code": lambda t: f"<pre><code>{html.escape(_json(t), quote=False)}</code></pre>",
    "span elements": _retag(r'<span class="\1">\2</span>'),
    "entity elements": _retag(r'<entity type="\1">\2</entity>'),
    "numbered tags": _retag(r"<\1_1>\2</\1_1>"),
    "line breaks in tags": _retag("<\\1>\n\\2\n</\\1>"),
    "backquotes": lambda t: f"{{`tagged_text`: `{t}`}}",
    "a server's event": lambda t: f"data: {_json(t)}\n\ndata: [DONE]",
    "colours of a terminal": lambda t: f"\x1b[32m{_json(t)}\x1b[0m",
    "schema, then answer": lambda t: f'{{"properties": {{"tagged_text": {{"type": "string"}}}}}}\n{_json(t)}',
    "reasoning key with a tag": lambda t: json.dumps({"reasoning": "<CITY>Ulm</CITY> it is.", "tagged_text": t}),
    "swapped labels": lambda t: _json(
        t.replace("FIRSTNAME>", "X>").replace("SURNAME>", "FIRSTNAME>").replace("X>", "SURNAME>")
    ),
    "zero-width marks": lambda t: "\u200b\ufeff" + _json(t).replace(": ", ":\u00a0", 1),
}

REFUSED: dict[str, Callable[[str], str]] = {
    "stopped in the string": lambda t: _json(t)[:-2],
    "stopped in a YAML tag": lambda t: f"tagged_text: |\n  {_indent(t)[: _indent(t).rindex('</')]}",
    "stopped in an XML element": lambda t: f"<tagged_text>{t[: t.rindex('<')]}",
    "ellipsis": lambda t: _json(t[: t.index("</") + 2 + len(t[t.index("</") + 2 :].split(">")[0]) + 1] + " …"),
    "shifted places": lambda t: _by_place(t.replace("<", "🙂<", 1) + " <CITY>Ulm</CITY>", shift=3),
    "tokens": lambda t: json.dumps({"tokens": _plain(t).split(), "tags": ["O"] * len(_plain(t).split())}),
    "the schema": lambda t: json.dumps({"type": "object", "properties": {"tagged_text": {"type": "string"}}}),
    "another language": lambda t: _json(_translate(t)),
    "translation beside it, no original": lambda t: json.dumps({"translation": _plain(t)}, ensure_ascii=False),
    "values masked": lambda t: _json(_ENTITY.sub(r"<\1>[\1]</\1>", t)),
    "refusal": lambda t: "I'm sorry, but I can't create documents with personal information such as IBANs.",
    "label behind": _retag(r"\2 (\1)"),
    "label before a bar": _retag(r"[\1|\2]"),
    "label behind a bar": _retag(r"[\2|\1]"),
    "label after at-signs": _retag(r"@@\1:\2##"),
    "LaTeX": _retag(r"\\\1{\2}"),
    "OpenNLP": _retag(r"<START:\1> \2 <END>"),
    "web page": lambda t: f"<!DOCTYPE html><html><body><pre>{t}</pre></body></html>",
    "legend": lambda t: f"Tags: <CITY>…</CITY> for cities\n\n{t}",
    "in circles": lambda t: _json(" ".join([t] * 4)),
    "one tag around all": lambda t: _json(f"<CITY>{_plain(t)}</CITY>"),
    "last character left out": _inclusive,
    "tags without values": lambda t: _json(_ENTITY.sub(r"<\1/>", t)),
}


def _translate(text: str) -> str:
    """The values in sentences of a language that no brief asks for."""
    values = [f"<{label}>{value}</{label}>" for label, value in _ENTITY.findall(text)]
    return "我们昨天收到了您的来信，现在把文件寄给您。" + "，".join(values) + "。请在星期五之前回复我们，谢谢您的合作。"


def iter_odd_answers() -> Iterator[tuple[Answer, bool]]:
    """Every shape once, with the documents in turn, and whether it is readable."""
    for shapes, is_readable in ((READABLE, True), (REFUSED, False)):
        for number, (name, build) in enumerate(shapes.items()):
            language, gold = DOCUMENTS[number % len(DOCUMENTS)]
            yield Answer(language, gold, name, build(gold)), is_readable


def iter_all_odd_answers() -> Iterator[Answer]:
    """Every shape of five documents, of others for each shape."""
    for number, (name, build) in enumerate((READABLE | REFUSED).items()):
        for language, gold in DOCUMENTS[number % 4 :: 4]:
            yield Answer(language, gold, name, build(gold))
