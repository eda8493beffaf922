# ruff: noqa: E501
"""Sixty answers more, each in the manner of one family of models: harmony channels, thoughts, prefaces, chat templates,
remarks after the document, marks of Markdown, and tags that are almost right.

A manner is a function of the good tagged text. `READABLE` ones say without doubt what is meant; `REFUSED` ones do not,
or hold more than the document.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator

from tests.generators.stages.answer_corpus import DOCUMENTS, Answer

ITALIAN = (
    "it",
    "Gentile signora <SURNAME>Ferraro</SURNAME>, la ringraziamo per la sua telefonata. Il modulo è stato spedito a <EMAIL>l.ferraro@posta.example</EMAIL> e alla nostra sede di <CITY>Parma</CITY>. Se non lo riceve entro venerdì, la preghiamo di chiamare.\n\nCordiali saluti,\n<FIRSTNAME>Giulia</FIRSTNAME> <SURNAME>Bassani</SURNAME>",
)
_ENTITY = re.compile(r"<([A-Z]+)>(.*?)</\1>", re.DOTALL)
_TAG = re.compile(r"<(/?)([A-Z]+)>")


def _json(text: object, **more: object) -> str:
    return json.dumps({"tagged_text": text, **more}, ensure_ascii=False)


def _retag(build: str) -> Callable[[str], str]:
    return lambda t: _json(_ENTITY.sub(build, t))


def _plain(text: str) -> str:
    return _TAG.sub("", text)


def _first(text: str, build: Callable[[re.Match[str]], str]) -> str:
    """The text with its first entity written otherwise."""
    return _ENTITY.sub(build, text, count=1)


def _after(remark: str) -> Callable[[str], str]:
    return lambda t: _json(f"{t}\n\n{remark}")


READABLE: dict[str, Callable[[str], str]] = {
    # GPT-OSS
    "harmony, commentary to a function": lambda t: (
        f"<|channel|>analysis<|message|>Need JSON.<|end|><|start|>assistant<|channel|>commentary to=functions.write <|constrain|>json<|message|>{_json(t)}<|call|>"
    ),
    "harmony, its tokens lost": lambda t: (
        f"analysisThe user wants a document with {{tags}}. Let me write it.assistantfinal{_json(t)}"
    ),
    "harmony, final constrained": lambda t: f"<|channel|>final <|constrain|>json<|message|>{_json(t)}<|return|>",
    # DeepSeek-R1, QwQ
    "thoughts with a draft in JSON": lambda t: (
        f"<think>\nFirst try: {_json('Dear <CITY>Ulm</CITY>')}. No, use the values.\n</think>\n\n{_json(t)}"
    ),
    "thoughts in another tag": lambda t: f"<thinking>\nThe values are given, {{so}} use them.\n</thinking>\n{_json(t)}",
    "reasoning tag": lambda t: (
        f"<reasoning>Write it in the language of the brief.</reasoning>\n\n```json\n{_json(t)}\n```"
    ),
    "thoughts in Chinese": lambda t: f"<think>\n好的，我需要写一份文件。\n</think>\n{_json(t)}",
    "thoughts, then bold final answer": lambda t: f"<think>ok</think>\n\n**Final Answer**\n\n```json\n{_json(t)}\n```",
    "Kimi's thinking marks": lambda t: f"◁think▷Let me see.◁/think▷{_json(t)}",
    # Qwen
    "empty thoughts": lambda t: f"<think>\n\n</think>\n\n{_json(t)}",
    "fence that is never closed": lambda t: f"```json\n{_json(t)}",
    "fence named jsonc": lambda t: f"```jsonc\n{_json(t)}\n```",
    "fence named python": lambda t: f"```python\nresult = {_json(t)}\n```",
    # Llama
    "header tokens": lambda t: f"<|start_header_id|>assistant<|end_header_id|>\n\n{_json(t)}<|eot_id|>",
    "schema with a value": lambda t: json.dumps(
        {"type": "object", "properties": {"tagged_text": {"type": "string", "value": t}}}, ensure_ascii=False
    ),
    "type and content": lambda t: json.dumps({"tagged_text": {"type": "string", "content": t}}, ensure_ascii=False),
    "talk of the next turn": lambda t: f"{_json(t)}<|eot_id|><|start_header_id|>user<|end_header_id|>\n\nThank you!",
    # Gemma
    "turn tokens": lambda t: f"<start_of_turn>model\n{_json(t)}<end_of_turn>",
    "explanation with bullets": lambda t: (
        f"```json\n{_json(t)}\n```\n\n**Explanation:**\n\n* All values were used.\n* The tags are {{exact}}."
    ),
    "fence in the plural": lambda t: f"Okay, here's the document:\n\n~~~json\n{_json(t)}\n~~~",
    # Mistral
    "instruction tokens": lambda t: f"[INST] Write it. [/INST] {_json(t)}</s>",
    "tool call without a list": lambda t: f"[TOOL_CALLS]write_document{_json(t)}",
    "leading token": lambda t: f"<s> {_json(t)}",
    # Phi
    "role tokens": lambda t: f"<|assistant|>\n{_json(t)}<|end|>",
    "a user's turn after it": lambda t: f"{_json(t)}<|end|><|user|>\nNow write another one.",
    "solution heading": lambda t: f"## Solution:\n\n{_json(t)}",
    # Claude and its imitators
    "answer element": lambda t: f"<answer>{_json(t)}</answer>",
    "output element with a fence": lambda t: (
        f"I'll write the document now.\n\n<output>\n```json\n{_json(t)}\n```\n</output>"
    ),
    "result of a tool": lambda t: json.dumps(
        {"type": "tool_use", "name": "answer", "input": {"tagged_text": t}}, ensure_ascii=False
    ),
    # all of them
    "list of documents": lambda t: json.dumps({"documents": [{"tagged_text": t}]}, ensure_ascii=False),
    "key first empty, then full": lambda t: (
        '{"tagged_text": "", "tagged_text": ' + json.dumps(t, ensure_ascii=False) + "}"
    ),
    "not a number beside it": lambda t: '{"score": NaN, "tagged_text": ' + json.dumps(t, ensure_ascii=False) + "}",
    "too many braces": lambda t: _json(t) + "}}",
    "escaped apostrophes": lambda t: _json(t).replace("'", "\\'"),
    "tabs and line breaks raw": lambda t: _json(t).replace("\\n", "\n\t".replace("\t", "")),
    "blanks inside the tags": _retag(r"<\1> \2 </\1>"),
    "numbered labels": lambda t: _json(_TAG.sub(r"<\1\g<2>1>", t)),
    "double braces with a slash": _retag(r"{{\1}}\2{{/\1}}"),
    "mark elements": _retag(r'<mark data-label="\1">\2</mark>'),
    "underscores escaped for Markdown": lambda t: _json(re.sub(r"(?<=\w)([_.])(?=\w+@|\w+<)", r"\\\1", t)),
    "a greeting tagged too": lambda t: _json(
        re.sub(r"\A(Dear|Madame|Hola|Hoi|Hej|Bonjour|Geachte|Kære|Estimado|Gentile)", r"<FIRSTNAME>\1</FIRSTNAME>", t)
    ),
    "remark key beside it": lambda t: _json(t, note="All names are fictional."),
    "braces of a template": lambda t: "{" + _json(t) + "}",
    "key with a colon in it": lambda t: _json(t).replace('"tagged_text": ', '"tagged_text:" : '),
    "stop token in words": lambda t: f"{_json(t)}<|endoftext|>",
    "answer under result and data": lambda t: json.dumps({"result": {"data": {"tagged_text": t}}}, ensure_ascii=False),
}
REFUSED: dict[str, Callable[[str], str]] = {
    "two other documents": lambda t: f"{_json('<CITY>Ulm</CITY> is here.')}\n{_json('<CITY>Bonn</CITY> is here.')}",
    "word count": _after("(Word count: 120)"),
    "end mark": _after("[End of document]"),
    "offer of help": _after("Let me know if you'd like me to adjust the tone!"),
    "offer in German": _after("Möchtest du, dass ich das Dokument noch anpasse?"),
    "offer in Spanish": _after("¿Quieres que modifique algo del documento?"),
    "offer in French": _after("N'hésitez pas à me dire si vous souhaitez des modifications du document."),
    "offer in Dutch": _after("Laat me weten als je een andere versie van de tekst wilt."),
    "written by a model": _after("-- This document was generated by an AI language model."),
    "note on invented names": _after("Please note that all names and details are fictional."),
    "values left for a table": lambda t: json.dumps({"tagged_text": _ENTITY.sub(r"<\1>[\1_1]</\1>", t), "mapping": {"[CITY_1]": "Ulm"}}),
    "cut in the thoughts": lambda t: "<think>\nThe user wants a document. I should use the values",
    "asks back": lambda t: "Could you tell me which tone the document should have? I can write it formally or informally.",
    "a sentence in a tag": lambda t: _json(_first(t, lambda m: m[0]) + "\n<STREET>We will be there at nine. Please wait for us</STREET>."),
}  # fmt: skip


def iter_model_answers() -> Iterator[tuple[Answer, bool]]:
    """Every manner of six documents, others for each manner, and whether it is readable."""
    documents = [*DOCUMENTS, ITALIAN]
    for shapes, is_readable in ((READABLE, True), (REFUSED, False)):
        for number, (name, build) in enumerate(shapes.items()):
            for language, gold in documents[number % 3 :: 4]:
                yield Answer(language, gold, name, build(gold)), is_readable
