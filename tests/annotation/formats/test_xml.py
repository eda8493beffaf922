# ruff: noqa: E501 (XML documents)
"""XML documents of i2b2, GATE, UIMA, TEI and BioC: read rightly, or refused with file and line."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from goldspan.annotation.errors import InputError, RecordError
from goldspan.annotation.formats.importing import ImportOptions, ImportReport, import_files
from goldspan.annotation.formats.reading import ReadOptions
from goldspan.annotation.formats.xml.tei import read_tei
from goldspan.annotation.formats.xml.tree import parse_xml, read_content
from goldspan.annotation.types import Sample
from tests.strategies import LABELS

ANN, BO, ROME = ("Ann", "FIRSTNAME"), ("Bo", "FIRSTNAME"), ("Rome", "CITY")
I2B2 = """<?xml version="1.0" encoding="UTF-8" ?>
<deIdi2b2>
<TEXT><![CDATA[

Record 1: Ann & Bo
in Rome <b>]]></TEXT>
<TAGS>
<NAME id="P0" start="12" end="15" text="Ann" TYPE="FIRSTNAME" comment="" />
<NAME id="P1" start="18" end="20" text="Bo" TYPE="FIRSTNAME" comment="sure" />
<LOCATION id="P2" start="24" end="28" text="Rome" TYPE="CITY" comment="" />
<DIABETES id="D0" time="before DCT" />
</TAGS>
</deIdi2b2>
"""
MAE = """<NameTask><TEXT><![CDATA[Ann met Bo]]></TEXT><TAGS>
<FIRSTNAME id="F0" spans="0~3" text="Ann"/><FIRSTNAME id="F1" spans="8~10" text="Bo"/>
<COREF id="C0" fromID="F0" toID="F1" fromText="Ann" toText="Bo"/></TAGS></NameTask>"""
I2B2_CRLF = """<deIdi2b2><TEXT><![CDATA[Hi\nAnn\nBo]]></TEXT><TAGS>
<NAME id="P0" start="4" end="7" text="Ann" TYPE="FIRSTNAME"/>
<NAME id="P1" start="9" end="11" text="Bo" TYPE="FIRSTNAME"/></TAGS></deIdi2b2>"""
TAGS_FIRST = re.sub(r"(<TEXT>.*</TEXT>)(<TAGS>.*</TAGS>)", r"\2\1", MAE, flags=re.DOTALL)
I2B2_2006 = """<?xml version="1.0"?>
<ROOT>
<RECORD ID="1"><TEXT>
<PHI TYPE="FIRSTNAME">Ann</PHI> &amp; <PHI TYPE="FIRSTNAME">Bo</PHI></TEXT></RECORD>
<RECORD ID="2"><TEXT>to <PHI TYPE="CITY">Rome</PHI>.</TEXT></RECORD>
</ROOT>"""
GATE = """<?xml version='1.0' encoding='UTF-8'?>
<GateDocument version="3">
<GateDocumentFeatures/>
<TextWithNodes><Node id="0"/>Ann<Node id="3"/> 😀 &amp; in <Node id="12"/>Rome<Node id="16"/></TextWithNodes>
<AnnotationSet><Annotation Id="0" Type="Token" StartNode="0" EndNode="3"/></AnnotationSet>
<AnnotationSet Name="Original markups"><Annotation Id="1" Type="p" StartNode="0" EndNode="16"/></AnnotationSet>
<AnnotationSet Name="Key">
<Annotation Id="2" Type="FIRSTNAME" StartNode="0" EndNode="3"><Feature><Name className="java.lang.String">sex</Name><Value className="java.lang.String">f</Value></Feature></Annotation>
<Annotation Id="3" Type="CITY" StartNode="12" EndNode="16"/>
</AnnotationSet>
</GateDocument>"""
XMI = """<?xml version="1.0" encoding="UTF-8"?>
<xmi:XMI xmlns:xmi="http://www.omg.org/XMI" xmlns:cas="http:///uima/cas.ecore" xmlns:type="http:///de/type.ecore" xmi:version="2.0">
<cas:NULL xmi:id="0"/>
<type:Token xmi:id="5" sofa="1" begin="0" end="3"/>
<type:POS xmi:id="6" sofa="1" begin="0" end="3" PosValue="NNP"/>
<type:NamedEntity xmi:id="7" sofa="1" begin="0" end="3" value="FIRSTNAME" identifier="Q1"/>
<type:NamedEntity xmi:id="8" sofa="1" begin="10" end="14" value="CITY"/>
<cas:Sofa xmi:id="1" sofaNum="1" sofaID="_InitialView" mimeType="text" sofaString="Ann 😀&#10;in Rome"/>
<cas:View sofa="1" members="5 6 7 8"/>
</xmi:XMI>"""
TEI = """<?xml version="1.0" encoding="UTF-8"?>
<?xml-model href="http://example.org/tei.rng"?>
<!DOCTYPE TEI SYSTEM "tei.dtd">
<TEI xmlns="http://www.tei-c.org/ns/1.0" xml:lang="en-GB">
<teiHeader><fileDesc><titleStmt><title>Letters</title></titleStmt></fileDesc></teiHeader>
<text><body>
  <head>A letter</head>
  <p>Dear
     <persName type="x"><forename>Ann</forename></persName>, <name type="CITY">Rome</name>
     is <choice><sic>wam</sic><corr>warm</corr></choice>.<lb/>Bo</p>
</body></text></TEI>"""
BIOC = """<?xml version="1.0" encoding="UTF-8"?><!DOCTYPE collection SYSTEM "BioC.dtd">
<collection><source>x</source><document><id>7</id>
<passage><offset>0</offset><text>Ann met Bo</text>
<annotation id="1"><infon key="type">FIRSTNAME</infon><location offset="0" length="3"/><text>Ann</text></annotation></passage>
<passage><offset>11</offset><text>in Rome</text>
<annotation id="2"><infon key="type">CITY</infon><location offset="14" length="4"/><text>Rome</text></annotation>
<relation id="R1"><infon key="type">lives</infon><node refid="1" role="a"/></relation></passage>
<relation id="R2"><node refid="2" role="a"/></relation></document></collection>"""


LAYERS = """<xmi:XMI xmlns:xmi="x" xmlns:cas="c" xmlns:custom="http:///webanno/custom.ecore">
<custom:Pii xmi:id="10" sofa="1" begin="0" end="3" kind="FIRSTNAME"/>
<custom:Pii xmi:id="11" sofa="1" begin="8" end="10" kind="FIRSTNAME" note="x"/>
<custom:Same xmi:id="12" sofa="1" begin="8" end="10" Dependent="11" Governor="10" label="coreference"/>
<cas:Sofa xmi:id="1" sofaString="Ann met Bo"/></xmi:XMI>"""
SENTENCES = """<collection><source/><document><id>1</id><passage><offset>0</offset>
<sentence><offset>0</offset><text>Ann ran.</text><annotation id="a"><infon key="type">FIRSTNAME</infon><location offset="0" length="3"/><text>Ann</text></annotation></sentence>
<sentence><offset>9</offset><text>Bo ran.</text><annotation id="b"><infon key="type">FIRSTNAME</infon><location offset="9" length="2"/><text>Bo</text></annotation></sentence>
</passage></document></collection>"""


def read(path: Path, **options: Any) -> tuple[list[Sample], list[RecordError], ImportReport]:
    errors: list[RecordError] = []
    report = ImportReport()
    found = import_files([path], LABELS, ImportOptions(language="en", **options), errors.append, report)
    return list(found), errors, report


def find(samples: list[Sample]) -> list[list[tuple[str, str]]]:
    return [[(s.text[e.start : e.end], e.label) for a in s.annotations for e in a.entities] for s in samples]


READ = {
    "i2b2": (I2B2, "i2b2", [[ANN, BO, ROME]], {"DIABETES": 1}),
    "i2b2, MAE": (MAE, "i2b2", [[ANN, BO]], {}),
    "i2b2, tags before the text": (TAGS_FIRST, "i2b2", [[ANN, BO]], {}),
    "i2b2, 2006": (I2B2_2006, "i2b2", [[ANN, BO], [ROME]], {}),
    "gate": (GATE, "gate", [[ANN, ROME]], {"Original markups": 1, "Token": 1}),
    "uima-xmi": (XMI, "uima-xmi", [[ANN, ROME]], {"POS": 1}),
    "uima-xmi, a team's own layer": (LAYERS, "uima-xmi", [[ANN, BO]], {}),
    "bioc-xml": (BIOC, "bioc-xml", [[ANN, ROME]], {"relation": 2}),
    "bioc-xml, sentences": (SENTENCES, "bioc-xml", [[ANN, BO]], {}),
    "i2b2, lines that lost a character": (I2B2_CRLF, "i2b2", [[ANN, BO]], {}),
}


@pytest.mark.parametrize("case", READ)
@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_documents_are_read(tmp_path: Path, case: str, encoding: str) -> None:
    content, name, expected, left_out = READ[case]
    path = tmp_path / "a.xml"
    path.write_text(content.replace('encoding="UTF-8"', "").replace("encoding='UTF-8'", ""), encoding=encoding)
    samples, errors, report = read(path)
    assert errors == []
    assert find(samples) == expected
    assert report.detected[str(path)].format == name
    assert report.left_out == left_out


def test_a_folder_is_one_source_whose_type_system_is_no_document(tmp_path: Path) -> None:
    (tmp_path / "a.xmi").write_text(XMI)
    (tmp_path / "b.xmi").write_text(XMI.replace("Ann ", "Ben "))
    (tmp_path / "TypeSystem.xml").write_text('<?xml version="1.0"?><typeSystemDescription xmlns="x"/>')
    samples, errors, report = read(tmp_path)
    assert errors == []
    assert find(samples) == [[ANN, ROME], [("Ben", "FIRSTNAME"), ROME]]
    assert list(report.detected) == [str(tmp_path)]


def test_tei_is_read_as_its_paragraphs(tmp_path: Path) -> None:
    (tmp_path / "a.xml").write_text(TEI)
    samples, errors, report = read(tmp_path / "a.xml", labels_map={"persName": "", "forename": "FIRSTNAME"})
    assert errors == []
    assert samples[0].text == "A letter\nDear Ann, Rome is wam.\nBo"
    assert find(samples) == [[ANN, ROME]]
    assert (report.left_out, report.unmapped, report.nested) == ({"corr": 1}, {"persName": 1}, {})
    _, _, report = read(tmp_path / "a.xml", labels_map={"persName": "SURNAME", "forename": "FIRSTNAME"})
    assert report.nested == {"forename": 1}


def test_annotation_sets_of_gate_have_an_author_each(tmp_path: Path) -> None:
    both = GATE.replace('Type="Token"', 'Type="FIRSTNAME"')
    (tmp_path / "a.xml").write_text(both)
    samples, errors, _ = read(tmp_path / "a.xml")
    assert errors == []
    assert [(one.author.name, one.author.is_model) for one in samples[0].annotations] == [
        ("gate", True),
        ("Key", False),
    ]


REFUSED = {
    "offsets that do not cut out the text": (I2B2.replace('"12" end="15"', '"13" end="16"'), "cut out", 1),
    "a tag without an end": (I2B2.replace('end="15"', ""), "FIRSTNAME without offsets", 1),
    "several parts": (MAE.replace("0~3", "0~1,2~3"), "several parts", 1),
    "markup in a record": (I2B2_2006.replace("to <PHI", "<X>to</X> <PHI"), "element X", 1),
    "a node that is missing": (GATE.replace('EndNode="16"/>\n</Ann', 'EndNode="17"/>\n</Ann'), "no node", 1),
    "two views": (XMI.replace("<cas:View", '<cas:Sofa xmi:id="9" sofaString="x"/><cas:View'), "several views", 1),
    "no text": ("<TEI><teiHeader/></TEI>", "has no text", 1),
    "entities": ('<!DOCTYPE TEI [<!ENTITY a "b">]>\n<TEI><text>&a;</text></TEI>', "defines XML entities", 1),
    "an external entity": ('<!DOCTYPE TEI [\n<!ENTITY a SYSTEM "other.txt">]><TEI><text>&a;</text></TEI>', "defines XML entities", 2),
    "an entity of an external type": ('<!DOCTYPE TEI SYSTEM "x.dtd">\n<TEI><text>&eacute;</text></TEI>', "does not define", 2),
    "depth": ("<TEI>\n" + "<p>" * 300 + "</p>" * 300 + "</TEI>", "deep", 2),
    "an open element": ("<TEI>\n<text>", "not well-formed", 2),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_be_read_is_refused_with_its_place(tmp_path: Path, case: str) -> None:
    content, reason, line = REFUSED[case]
    (tmp_path / "a.xml").write_text(content)
    samples, errors, _ = read(tmp_path / "a.xml")
    assert samples == []
    assert [(reason in error.reason, error.line) for error in errors] == [(True, line)]


def test_other_xml_is_refused_with_what_is_read(tmp_path: Path) -> None:
    (tmp_path / "a.xml").write_text("<doc><per>Ann</per></doc>")
    with pytest.raises(InputError, match="i2b2, GATE, UIMA XMI, TEI and BioC"):
        read(tmp_path / "a.xml")


PLAIN = st.text(st.characters(min_codepoint=32, max_codepoint=0x1FFFF, blacklist_categories=("Cs", "Cn")), max_size=20)


@given(st.lists(st.tuples(PLAIN, st.booleans()), max_size=6))
def test_any_text_and_its_elements_come_back(pieces: list[tuple[str, bool]]) -> None:
    from xml.sax.saxutils import escape

    body = "".join(f"<x:n>{escape(text)}</x:n>" if named else escape(text) for text, named in pieces)
    root = parse_xml(f"<x:r>{body}</x:r>".encode(), "a.xml")
    assert read_content(root) == "".join(text for text, _ in pieces)
    assert [(child.tag, child.text or "") for child in root] == [("n", text) for text, named in pieces if named]


WORDS = st.sampled_from(["Ann", "  Bo\n ", " ", "\n", "in Rome", "\u00a0x", ""])


@given(st.lists(st.tuples(WORDS, st.sampled_from(["", "persName", "p", "hi"]), WORDS), max_size=8))
def test_tei_text_and_names_agree(parts: list[tuple[str, str, str]]) -> None:
    body = "".join(f"<{tag}>{words}</{tag}>{tail}" if tag else words + tail for words, tag, tail in parts)
    root = parse_xml(f"<TEI><text><body><p>{body}</p></body></text></TEI>".encode(), "a.xml")
    (row,) = read_tei(root, ReadOptions(LABELS))
    assert row.text.split() == read_content(root).split() or "p" in {tag for _, tag, _ in parts}
    assert not any(pair in row.text for pair in ("  ", "\n ", " \n", "\n\n"))
    names = [" ".join(words.split()) for words, tag, _ in parts if tag == "persName" and words.strip()]
    assert [" ".join(row.text[span.start : span.end].split()) for span in row.spans] == names
