"""Answers that name their text in YAML, TOML, CSV, XML or Markdown, and the chat template around answers."""

from __future__ import annotations

import json
import re
import textwrap

from goldspan.generators.providers.lenient_parser import TruncatedJsonError

_FINAL_CHANNEL = re.compile(r"<\|channel\|>final(?:[^<]*)<\|message\|>")
_TOKEN = r"(?:<\|[a-z_]+\|>|</?s>|<(?:start|end)_of_turn>|<eos>|\[/?INST\])"  # noqa: S105
_LEADING = re.compile(rf"\A(?:\s*{_TOKEN}(?:\s*(?:assistant|model)\b)?)+\s*")
_TRAILING = re.compile(rf"(?:\s*{_TOKEN})+\s*\Z")
_FENCE = re.compile(r"\A\s*(`{3,}|~{3,})[\w-]*\n(.*?)\n?[ \t]*\1\s*\Z", re.DOTALL)
_ASSIGNED = re.compile(r"\A\s*(?:---\s*\n)?(\w+)(?::|[ \t]*=)[ \t]*([|>][+-]?\d?)?[ \t]*", re.ASCII)
_TABLE = re.compile(r"\A\s*\"?(\w+)\"?[ \t]*\r?\n\"((?:[^\"]|\"\")*)\"\s*\Z", re.ASCII)
_TRIPLE = re.compile(r"(\"\"\"|\'\'\')\n?(.*?)\1", re.DOTALL)
_NEXT_KEY = re.compile(r"^[a-z_]+:(?:[ \t]|$)", re.MULTILINE)
_HEADING = re.compile(
    r"\A\s*(?:#{1,6}[ \t]*[*_`]{0,2}(?P<heading>\w+)[*_`]{0,2}[ \t]*:?[ \t]*\n|"
    r"(?P<mark>\*\*|__)(?P<bold>\w+?)(?::(?P=mark)|(?P=mark):)[ \t]*)",
    re.ASCII,
)
_CDATA = re.compile(r"\A\s*<!\[CDATA\[(.*)\]\]>\s*\Z", re.DOTALL)
_WRAPPER = re.compile(r"\A\s*<(document|answer|output|response|text|result)>(.*)</\1>\s*\Z", re.DOTALL)


def strip_template(content: str, repairs: list[str]) -> str:
    """The content without the tokens of a chat template around it, and of channels the final one."""
    if found := list(_FINAL_CHANNEL.finditer(content)):
        repairs.append("channel")
        content = content[found[-1].end() :]
    stripped = _TRAILING.sub("", _LEADING.sub("", content))
    if stripped != content:
        repairs.append("template_tokens")
    return stripped


def strip_fences(content: str, repairs: list[str]) -> str:
    """The content of code fences around all of it, also of nested ones."""
    while match := _FENCE.match(content):
        content = match[2]
        repairs.append("fence")
    return content


def find_plain(content: str, key: str, repairs: list[str]) -> str | None:
    """The value of a key in an answer that is YAML, TOML, CSV, XML or Markdown; None where it is none of them.

    Raises:
        TruncatedJsonError: an XML element or a quoted scalar is never closed.
    """
    body = strip_fences(content, [])
    found = _find_element(body, key)
    name = "xml"
    if found is None and (match := _HEADING.match(body)) and _is_key(match["heading"] or match["bold"], key):
        name, found = "markdown", body[match.end() :].strip("\n")
    if found is None and (match := _TABLE.match(body)) and _is_key(match[1], key):
        name, found = "csv", match[2].replace('""', '"')
    if found is None and (match := _ASSIGNED.match(body)) and _is_key(match[1], key):
        name, found = "yaml", _read_scalar(body[match.end() :], match[2] or "")
    if found is not None:
        repairs.append(name)
    return found


def unwrap_document(content: str, repairs: list[str]) -> str:
    """The content of one element around a whole text, as `<document>…</document>`."""
    if match := _WRAPPER.match(content):
        repairs.append("xml")
        return match[2].strip("\n")
    return content


def _is_key(name: str, key: str) -> bool:
    return name.replace("_", "").casefold() == key.replace("_", "").casefold()


def _find_element(body: str, key: str) -> str | None:
    start = re.search(rf"<{key}>", body, re.IGNORECASE)
    if start is None or '"' in body[: start.start()].replace('version="1.0"', "").replace('encoding="UTF-8"', ""):
        return None
    end = re.compile(rf"</{key}>", re.IGNORECASE).search(body, start.end())
    if end is None:
        raise TruncatedJsonError("the element never ends")
    inner = body[start.end() : end.start()]
    cdata = _CDATA.match(inner)
    return cdata[1] if cdata else inner.strip("\n")


def _read_scalar(rest: str, style: str) -> str:
    """A scalar of YAML or TOML: a block, a quoted string, or what stands up to the next key."""
    if style:
        block = rest.removeprefix("\n")
        end = re.search(r"^\S", block, re.MULTILINE)
        text = textwrap.dedent(block[: end.start()] if end else block).strip("\n")
        return re.sub(r"(?<!\n)\n(?!\n)", " ", text) if style[0] == ">" else text
    rest = rest.strip("\n")
    if rest.startswith(('"""', "'''")):
        if match := _TRIPLE.match(rest):
            return match[2]
        raise TruncatedJsonError("the quoted text never ends")
    if rest.startswith('"'):
        try:
            value, _ = json.JSONDecoder(strict=False).raw_decode(rest)
        except ValueError:
            raise TruncatedJsonError("the quoted text never ends") from None
        return str(value)
    following = _NEXT_KEY.search(rest)
    return textwrap.dedent(rest[: following.start()] if following else rest).strip("\n")
