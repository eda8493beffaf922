"""What the labelling screen has besides labels: layout, metadata line, and what a person says besides spans.

Choices and a note are for the whole document; reasons for doubt appear when a region is selected.

The board stands beside the text, so that the text begins at the top of the screen however many labels there are.
"""

from __future__ import annotations

import hashlib
from typing import NamedTuple
from xml.etree import ElementTree

from goldspan.annotation.labelstudio.api.fields import ABOUT_FIELD
from goldspan.annotation.tasks.codec import TEXT_NAME
from goldspan.annotation.tasks.feedback import (
    DOCUMENT_CONTROL,
    DOUBT_CONTROL,
    NOTE_CONTROL,
    DocumentChoice,
    RegionDoubt,
)

STYLE = """
.goldspan-screen { display: flex; flex-wrap: wrap; gap: 8px 16px; align-items: flex-start; }
.goldspan-board { flex: 1 1 200px; max-width: 250px; position: sticky; top: 0; z-index: 5; overflow-y: auto;
  max-height: calc(100vh - 170px); background: var(--color-neutral-background, #fff); }
.goldspan-main { flex: 1000 1 380px; min-width: 0; }
.goldspan-labels { display: block; }
.goldspan-category h6, .goldspan-category h4 { margin: 5px 0 1px 0 !important; font-size: 11px !important;
  line-height: 1.2; opacity: 0.75; }
.goldspan-board .lsf-labels { gap: 3px !important; margin: 0 !important; }
.goldspan-board .lsf-label { padding: 1px 5px !important; font-size: 11px !important; line-height: 1.35 !important;
  min-height: 0 !important; height: auto !important; margin: 0 3px 3px 0 !important; max-width: 100%; }
.goldspan-board .lsf-label__text { white-space: normal; overflow-wrap: anywhere; line-height: 1.2; }
.goldspan-board input { background: transparent !important; color: inherit !important; }
.goldspan-about h6, .goldspan-about h4 { margin: 0 0 2px 0 !important; font-size: 12px !important; opacity: 0.75;
  font-weight: 400 !important; min-height: 18px; overflow-wrap: anywhere; }
.goldspan-text { padding: 6px 16px 8px 60px; border: 1px solid #9993; border-radius: 6px; }
.goldspan-text .lsf-richtext__container { line-height: 1.9 !important; }
.goldspan-text .lsf-richtext__line { unicode-bidi: plaintext; }
.goldspan-text .htx-highlight::after { unicode-bidi: isolate; direction: ltr; }
.goldspan-main .ant-collapse, .goldspan-main .ant-collapse-content, .goldspan-main .ant-collapse-header,
.goldspan-main .ant-collapse-item { background: transparent !important; color: inherit !important;
  border-color: #9993 !important; }
.goldspan-document { display: flex; flex-wrap: wrap; gap: 0 16px; align-items: center; margin-top: 8px; }
body:not(:has(.goldspan-text .htx-highlight.__active)) .relations-overlay { opacity: 0.3; }
body:not(:has(.goldspan-text .htx-highlight.__active)) .relations-overlay text,
body:not(:has(.goldspan-text .htx-highlight.__active)) .relations-overlay rect { display: none; }
"""

DOCUMENT_HOTKEYS = {
    DocumentChoice.NO_ENTITIES: "shift+n",
    DocumentChoice.UNUSABLE: "shift+u",
    DocumentChoice.WRONG_LANGUAGE: "shift+l",
    DocumentChoice.UNSURE: "shift+d",
}

DOUBT_HOTKEYS = {RegionDoubt.LABEL: "shift+q", RegionDoubt.BOUNDARY: "shift+b", RegionDoubt.ENTITY: "shift+w"}

_EARLIER_STYLES = frozenset(
    {
        "5af3ff188e0efa605adfea00d2929cf508e08c1f1a8c3c760bf515788d79da90",
        "5ae5f0dd82422898a315e38500fe4b1216d83ab81de3b77855ce2b1026ebda5b",
        "2cd9804baa116a578a2f1eb10203ad410d717b3319de26ac1950e773a212ab08",
        "7821cb355e03c87c1a77043bcea1dc566a6ecd4ab1355372ca7badea2b60f535",
        "eec155717ce159a4f6b3eb10d10c68bd8eb2626903e29041e3d565386e0a10c5",
    }
)
"""SHA-256 of the style texts, blanks collapsed, of screens that earlier versions built."""

_EARLIER_TAGS = frozenset(
    {
        "Text [('granularity', 'word'), ('name', 'text'), ('showLabels', 'true'), ('value', '$text')]",
        "Text [('granularity', 'word'), ('name', 'text'), ('value', '$text')]",
        "Labels [('name', 'label'), ('showInline', 'true'), ('toName', 'text')]",
    }
)
"""Tags of screens that earlier versions built and today's do not have."""


class Frame(NamedTuple):
    """The places of a screen that the label schema fills."""

    root: ElementTree.Element
    board: ElementTree.Element
    guide: ElementTree.Element


def build_frame(*, keeps_text: bool) -> Frame:
    """The screen without labels. `keeps_text`: results hold the marked words; without, only their offsets.

    Label Studio reads `saveTextResult="none"` on a `<Text>` as "yes"; "no" is what leaves the words out.
    """
    root = ElementTree.Element("View")
    ElementTree.SubElement(root, "Style").text = STYLE
    screen = ElementTree.SubElement(root, "View", className="goldspan-screen")
    board = ElementTree.SubElement(screen, "View", className="goldspan-board")
    main = ElementTree.SubElement(screen, "View", className="goldspan-main")
    about = ElementTree.SubElement(main, "View", className="goldspan-about")
    ElementTree.SubElement(about, "Header", value=f"${ABOUT_FIELD}", size="6")
    frame = ElementTree.SubElement(main, "View", className="goldspan-text")
    text = {"name": TEXT_NAME, "value": "$text", "granularity": "word", "showLabels": "true"}
    ElementTree.SubElement(frame, "Text", text | ({} if keeps_text else {"saveTextResult": "no"}))
    _add_document_controls(main)
    _add_doubt(main)
    guide = main
    for tag, attributes in (("Collapse", {"bordered": "true"}), ("Panel", {"value": "Guideline"}), ("View", {})):
        guide = ElementTree.SubElement(guide, tag, attributes)
    return Frame(root, board, guide)


def was_built_earlier(tag: str) -> bool:
    """True for a tag, or the style, of a screen that an earlier version built."""
    return tag in _EARLIER_TAGS or hashlib.sha256(tag.encode()).hexdigest() in _EARLIER_STYLES


def _add_document_controls(main: ElementTree.Element) -> None:
    place = ElementTree.SubElement(main, "View", className="goldspan-document")
    choices = ElementTree.SubElement(
        place, "Choices", name=DOCUMENT_CONTROL, toName=TEXT_NAME, choice="multiple", showInline="true"
    )
    for choice, hotkey in DOCUMENT_HOTKEYS.items():
        ElementTree.SubElement(choices, "Choice", value=choice.words, alias=choice.value, hotkey=hotkey)
    ElementTree.SubElement(
        place,
        "TextArea",
        name=NOTE_CONTROL,
        toName=TEXT_NAME,
        rows="1",
        maxSubmissions="1",
        editable="true",
        placeholder="Note (Enter keeps it)",
    )


def _add_doubt(main: ElementTree.Element) -> None:
    """Reasons for doubt about the selected region; last, so that nothing moves when one is selected."""
    place = ElementTree.SubElement(main, "View", className="goldspan-document", visibleWhen="region-selected")
    choices = ElementTree.SubElement(
        place,
        "Choices",
        name=DOUBT_CONTROL,
        toName=TEXT_NAME,
        perRegion="true",
        choice="multiple",
        showInline="true",
    )
    for doubt, hotkey in DOUBT_HOTKEYS.items():
        ElementTree.SubElement(choices, "Choice", value=doubt.words, alias=doubt.value, hotkey=hotkey)
