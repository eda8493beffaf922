"""Parse XML from outside: no entities of its own, nothing fetched, bounded depth."""

from __future__ import annotations

from typing import Any
from xml.etree.ElementTree import Element, TreeBuilder
from xml.parsers import expat

from goldspan.annotation.errors import RecordError

_DEEPEST = 200


def parse_xml(data: bytes, name: str, encoding: str = "") -> Element:
    """The root element of a document. Elements lose their namespace prefix, attributes keep it.

    A document type is ignored unless it defines entities. `encoding` overrides what the document says.

    Raises:
        RecordError: the document is no well-formed XML, defines entities, uses one that it lacks, or is too deep.
    """
    builder = TreeBuilder()
    try:
        parser = expat.ParserCreate(encoding or None)
    except LookupError:
        raise RecordError(f"there is no encoding {encoding!r}", file=name, line=1) from None
    depth = 0

    def start(tag: str, attributes: dict[str, str]) -> None:
        nonlocal depth
        depth += 1
        if depth > _DEEPEST:
            raise refuse(f"elements are nested more than {_DEEPEST} deep")
        builder.start(cut_prefix(tag), attributes)

    def end(tag: str) -> None:
        nonlocal depth
        depth -= 1
        builder.end(cut_prefix(tag))

    def refuse(reason: str) -> RecordError:
        return RecordError(reason, file=name, line=parser.CurrentLineNumber)

    def refuse_declaration(*_: Any) -> None:
        raise refuse("the document defines XML entities, which are not read")

    def refuse_reference(entity: str, is_parameter: bool) -> None:
        raise refuse("the document uses an XML entity that it does not define; write the character itself")

    parser.buffer_text = True
    parser.StartElementHandler, parser.EndElementHandler = start, end
    parser.CharacterDataHandler = builder.data
    parser.EntityDeclHandler, parser.SkippedEntityHandler = refuse_declaration, refuse_reference
    try:
        parser.Parse(data, True)
    except expat.ExpatError as error:
        reason = expat.errors.messages.get(error.code, "syntax error")
        raise RecordError(f"not well-formed XML: {reason}", file=name, line=error.lineno) from None
    except (ValueError, LookupError):
        raise refuse("the document is in an encoding that is not read; give --encoding") from None
    return builder.close()


def cut_prefix(name: str) -> str:
    """A name without its namespace prefix."""
    return name.rpartition(":")[2]


def read_content(element: Element) -> str:
    """All text inside an element."""
    return "".join(element.itertext())
