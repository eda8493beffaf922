# ruff: noqa: E501
from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping

import pytest
from PIL import Image

from goldspan.annotation.errors import InputError, MaskingError
from goldspan.annotation.labels.schema import LabelSchema
from goldspan.annotation.loops import run_sync
from goldspan.masking.mask import Masker
from goldspan.masking.policy import load_policy
from goldspan.serving.documents import office
from goldspan.serving.documents.base import FileSettings
from goldspan.serving.documents.files import mask_file
from tests.masking.lexicon import LexiconPredictor
from tests.serving.documents.conftest import FileMasker

W = 'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"'
TYPES = '<?xml version="1.0"?><Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"/>'
RELS = '<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">{}</Relationships>'
VALUE = "ann.smith@mail.com"
PLACES = {
    "body": ("word/document.xml", f"<w:document {W}><w:body><w:p><w:r><w:t>to {{}}.</w:t></w:r></w:p></w:body></w:document>"),
    "split over runs": (
        "word/document.xml",
        f"<w:document {W}><w:p><w:r><w:t>{{0}}</w:t></w:r><w:r><w:rPr><w:b/></w:rPr><w:t>{{1}}</w:t></w:r></w:p></w:document>",
    ),
    "deleted text": ("word/document.xml", f'<w:document {W}><w:del w:id="1"><w:r><w:delText>{{}}</w:delText></w:r></w:del></w:document>'),
    "field code": ("word/document.xml", f'<w:document {W}><w:r><w:instrText>HYPERLINK "mailto:{{}}"</w:instrText></w:r></w:document>'),
    "table": ("word/document.xml", f"<w:document {W}><w:tbl><w:tr><w:tc><w:p><w:r><w:t>{{}}</w:t></w:r></w:p></w:tc></w:tr></w:tbl></w:document>"),
    "text box": ("word/document.xml", f"<w:document {W}><w:txbxContent><w:p><w:r><w:t>{{}}</w:t></w:r></w:p></w:txbxContent></w:document>"),
    "alternative text": ("word/document.xml", f'<w:document {W} xmlns:wp="x"><wp:docPr id="1" name="x" descr="{{}}"/></w:document>'),
    "header": ("word/header1.xml", f"<w:hdr {W}><w:p><w:r><w:t>{{}}</w:t></w:r></w:p></w:hdr>"),
    "footnote": ("word/footnotes.xml", f"<w:footnotes {W}><w:footnote><w:p><w:r><w:t>{{}}</w:t></w:r></w:p></w:footnote></w:footnotes>"),
    "comment": ("word/comments.xml", f'<w:comments {W}><w:comment w:author="x"><w:p><w:r><w:t>{{}}</w:t></w:r></w:p></w:comment></w:comments>'),
    "author of a comment": ("word/comments.xml", f'<w:comments {W}><w:comment w:author="{{}}" w:initials="AS"/></w:comments>'),
    "link": ("word/_rels/document.xml.rels", RELS.format('<Relationship Id="r1" Target="mailto:{}" TargetMode="External"/>')),
    "encoded link": ("word/_rels/document.xml.rels", RELS.format('<Relationship Id="r1" Target="https://x.org/?q={}" TargetMode="External"/>')),
    "creator": ("docProps/core.xml", '<cp:coreProperties xmlns:cp="x" xmlns:dc="y"><dc:creator>{}</dc:creator></cp:coreProperties>'),
    "title": ("docProps/core.xml", '<cp:coreProperties xmlns:cp="x" xmlns:dc="y"><dc:title>{}</dc:title></cp:coreProperties>'),
    "custom property": ("docProps/custom.xml", '<Properties xmlns:vt="x"><property name="a"><vt:lpwstr>{}</vt:lpwstr></property></Properties>'),
    "custom XML": ("customXml/item1.xml", "<a><b>{}</b></a>"),
    "XML comment": ("customXml/item1.xml", "<a><!-- {} --><b/></a>"),
    "CDATA": ("customXml/item1.xml", "<a><![CDATA[{}]]></a>"),
    "unknown attribute": ("customXml/item1.xml", '<a b="{}"/>'),
    "shared string": ("xl/sharedStrings.xml", '<sst xmlns="m"><si><t>{}</t></si></sst>'),
    "rich string": ("xl/sharedStrings.xml", '<sst xmlns="m"><si><r><t>{0}</t></r><r><t>{1}</t></r></si></sst>'),
    "inline string": ("xl/worksheets/sheet1.xml", '<worksheet xmlns="m"><row><c t="inlineStr"><is><t>{}</t></is></c></row></worksheet>'),
    "formula": ("xl/worksheets/sheet1.xml", '<worksheet xmlns="m"><row><c t="str"><f>"{}"</f><v>x</v></c></row></worksheet>'),
    "formula result": ("xl/worksheets/sheet1.xml", '<worksheet xmlns="m"><row><c t="str"><v>{}</v></c></row></worksheet>'),
    "sheet name": ("xl/workbook.xml", '<workbook xmlns="m"><sheets><sheet name="{}" sheetId="1"/></sheets></workbook>'),
    "cell comment": ("xl/comments1.xml", '<comments xmlns="m"><authors><author>x</author></authors><text><t>{}</t></text></comments>'),
    "pivot cache": ("xl/pivotCache/pivotCacheDefinition1.xml", '<d xmlns="m"><sharedItems><s v="{}"/></sharedItems></d>'),
    "chart": ("xl/charts/chart1.xml", '<c:chart xmlns:c="c"><c:pt><c:v>{}</c:v></c:pt></c:chart>'),
    "drawing": ("xl/drawings/drawing1.xml", '<x:wsDr xmlns:x="x" xmlns:a="a"><a:p><a:r><a:t>{}</a:t></a:r></a:p></x:wsDr>'),
    "VML": ("xl/drawings/vmlDrawing1.vml", '<xml xmlns:v="v"><v:textpath string="{}"/></xml>'),
    "slide": ("ppt/slides/slide1.xml", '<p:sld xmlns:p="p" xmlns:a="a"><a:p><a:r><a:t>{0}</a:t></a:r><a:r><a:t>{1}</a:t></a:r></a:p></p:sld>'),
    "speaker notes": ("ppt/notesSlides/notesSlide1.xml", '<p:notes xmlns:p="p" xmlns:a="a"><a:p><a:r><a:t>{}</a:t></a:r></a:p></p:notes>'),
    "field in the flow": ("word/document.xml", f'<w:document {W}><w:r><w:instrText>MERGEFIELD Name</w:instrText><w:fldChar w:fldCharType="separate"/></w:r><w:r><w:t>{{}}</w:t></w:r></w:document>'),
    "deletion inside a value": ("word/document.xml", f'<w:document {W}><w:p><w:r><w:t>{{0}}</w:t></w:r><w:del><w:r><w:delText>xx</w:delText></w:r></w:del><w:r><w:t>{{1}}</w:t></w:r></w:p></w:document>'),
    "insertion inside a value": ("word/document.xml", f'<w:document {W}><w:p><w:r><w:t>{{0}}</w:t></w:r><w:ins><w:r><w:t>xx</w:t></w:r></w:ins><w:r><w:t>{{1}}</w:t></w:r></w:p></w:document>'),
    "text moved": ("word/document.xml", f'<w:document {W}><w:p><w:moveFrom><w:r><w:t>{{}}</w:t></w:r></w:moveFrom><w:moveTo><w:r><w:t>other</w:t></w:r></w:moveTo></w:p></w:document>'),
    "around a text box": ("word/document.xml", f'<w:document {W}><w:p><w:r><w:t>{{0}}</w:t></w:r><w:r><w:txbxContent><w:p><w:r><w:t>box</w:t></w:r></w:p></w:txbxContent></w:r><w:r><w:t>{{1}}</w:t></w:r></w:p></w:document>'),
    "bookmark": ("word/document.xml", f'<w:document {W}><w:bookmarkStart w:id="0" w:name="{{}}"/></w:document>'),
    "smart tag": ("word/document.xml", f'<w:document {W}><w:smartTag><w:smartTagPr><w:attr w:name="x" w:val="{{}}"/></w:smartTagPr></w:smartTag></w:document>'),
    "list of a form": ("word/document.xml", f'<w:document {W}><w:sdtPr><w:dropDownList><w:listItem w:displayText="x" w:value="{{}}"/></w:dropDownList></w:sdtPr></w:document>'),
    "form field": ("word/document.xml", f'<w:document {W}><w:ffData><w:textInput><w:default w:val="{{}}"/></w:textInput></w:ffData></w:document>'),
    "variable": ("word/settings.xml", f'<w:settings {W}><w:docVar w:name="x" w:val="{{}}"/></w:settings>'),
    "mail merge": ("word/settings.xml", f'<w:settings {W}><w:mailMerge><w:query w:val="{{}}"/></w:mailMerge></w:settings>'),
    "relative link": ("word/_rels/document.xml.rels", RELS.format('<Relationship Id="r1" Target="{}.docx" TargetMode="External"/>')),
    "page header": ("xl/worksheets/sheet1.xml", '<worksheet xmlns="m"><headerFooter><oddHeader>&amp;Lx&amp;C&amp;"Arial,Bold"{}&amp;R&amp;12y</oddHeader></headerFooter></worksheet>'),
    "reading aid": ("xl/sharedStrings.xml", '<sst xmlns="m"><si><t>x</t><rPh sb="0" eb="1"><t>{}</t></rPh></si></sst>'),
    "filter": ("xl/worksheets/sheet1.xml", '<worksheet xmlns="m"><autoFilter><filters><filter val="{}"/></filters></autoFilter></worksheet>'),
    "scenario": ("xl/worksheets/sheet1.xml", '<worksheet xmlns="m"><scenarios><scenario name="x"><inputCells val="{}"/></scenario></scenarios></worksheet>'),
    "validation": ("xl/worksheets/sheet1.xml", '<worksheet xmlns="m"><dataValidation><formula1>"x,{}"</formula1></dataValidation></worksheet>'),
    "condition": ("xl/worksheets/sheet1.xml", '<worksheet xmlns="m"><cfRule type="containsText" text="{}"/></worksheet>'),
    "table name": ("xl/tables/table1.xml", '<table xmlns="m" displayName="{}"/>'),
    "sheet of another file": ("xl/externalLinks/externalLink1.xml", '<e xmlns="m"><sheetNames><sheetName val="{}"/></sheetNames></e>'),
    "connection": ("xl/connections.xml", '<c xmlns="m"><connection name="x"><dbPr connection="user={}"/></connection></c>'),
    "slide name": ("ppt/slides/slide1.xml", '<p:sld xmlns:p="p"><p:cSld name="{}"/></p:sld>'),
    "section": ("ppt/presentation.xml", '<p:presentation xmlns:p="p" xmlns:q="q"><q:section name="{}"/></p:presentation>'),
    "diagram": ("ppt/diagrams/data1.xml", '<d xmlns="d"><prSet custT="{}"/></d>'),
    "SVG picture": ("word/media/image1.svg", '<svg xmlns="http://www.w3.org/2000/svg"><text>{}</text></svg>'),
    "permission": ("word/document.xml", f'<w:document {W}><w:permStart w:id="0" w:ed="{{}}"/></w:document>'),
    "last choice": ("word/document.xml", f'<w:document {W}><w:comboBox w:lastValue="{{}}"/></w:document>'),
    "building block": ("word/glossary/document.xml", f'<w:glossaryDocument {W}><w:docPartPr><w:name w:val="{{}}"/></w:docPartPr></w:glossaryDocument>'),
    "mail merge field": ("word/settings.xml", f'<w:settings {W}><w:mailMerge><w:addressFieldName w:val="{{}}"/></w:mailMerge></w:settings>'),
    "source of a frame": ("word/webSettings.xml", f'<w:webSettings {W}><w:sourceFileName w:val="{{}}"/></w:webSettings>'),
    "points of a chart": ("word/charts/chart1.xml", '<c:c xmlns:c="c"><c:pt><c:v>x</c:v></c:pt><c:pt><c:v>{}</c:v></c:pt><c:pt><c:v>y</c:v></c:pt></c:c>'),
    "elements of a form": ("customXml/item1.xml", "<a><b>x</b><c>{}</c><d>y</d></a>"),
    "instruction": ("customXml/item1.xml", "<?note {}?><a/>"),
    "signature": ("_xmlsignatures/sig1.xml", '<S xmlns="s"><X509SubjectName>{}</X509SubjectName><V>x</V></S>'),
    "rich value": ("xl/richData/rdrichvalue.xml", '<rvData xmlns="r"><rv><v>x</v><v>{}</v></rv></rvData>'),
    "live data": ("xl/volatileDependencies.xml", '<volTypes xmlns="m"><tp><v>x</v><stp>{}</stp></tp></volTypes>'),
    "view of a workbook": ("xl/workbook.xml", '<workbook xmlns="m"><customWorkbookView name="{}"/></workbook>'),
    "name in another file": ("xl/externalLinks/externalLink1.xml", '<e xmlns="m"><definedName name="x" refersTo="=\'{}\'!A1"/></e>'),
    "comment on a name": ("xl/workbook.xml", '<workbook xmlns="m"><definedName name="x" comment="{}">1</definedName></workbook>'),
    "number format": ("xl/styles.xml", '<styleSheet xmlns="m"><numFmt numFmtId="164" formatCode="&quot;{}&quot; 0"/></styleSheet>'),
    "XML map": ("xl/xmlMaps.xml", '<MapInfo xmlns="m"><Map Name="{}"/></MapInfo>'),
    "source of a pivot table": ("xl/pivotCache/pivotCacheDefinition1.xml", '<d xmlns="m"><worksheetSource ref="A1" sheet="{}"/></d>'),
    "name of a tag": ("ppt/tags/tag1.xml", '<p:tagLst xmlns:p="p"><p:tag name="{}" val="x"/></p:tagLst>'),
    "name of a timeline": ("xl/timelines/timeline1.xml", '<timelines xmlns="m"><timeline name="{}" cache="x"/></timelines>'),
    "item of a slicer": ("xl/slicerCaches/slicerCache1.xml", '<d xmlns="m"><i n="x" c="{}"/></d>'),
    "who changed slides": ("ppt/changesInfos/changesInfo1.xml", '<pc:chgInfo xmlns:pc="p"><pc:chgData name="{}" userId="1"/></pc:chgInfo>'),
    "title of a diagram": ("ppt/diagrams/layout1.xml", '<d:layoutDef xmlns:d="d"><d:title val="{}"/></d:layoutDef>'),
    "label of a document": ("docMetadata/LabelInfo.xml", '<c:labelList xmlns:c="c"><c:label id="1" actionId="{}"/></c:labelList>'),
    "name of a style": ("word/styles.xml", f'<w:styles {W}><w:style><w:name w:val="{{}}"/></w:style></w:styles>'),
    "action of a slide": ("ppt/slides/slide1.xml", '<p:sld xmlns:p="p" xmlns:a="a"><a:hlinkClick action="ppaction://customshow?id={}"/></p:sld>'),
}  # fmt: skip


def pack(parts: Mapping[str, str | bytes]) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in {"[Content_Types].xml": TYPES, **parts}.items():
            archive.writestr(name, content)
    return stream.getvalue()


def unpack(data: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def fill(template: str, value: str) -> str:
    return template.format(value[:4], value[4:]) if "{1}" in template else template.format(value)


def test_names_of_pictures_and_dates_behind_fields_are_not_carried_over(mask: FileMasker) -> None:
    field = '<w:date w:fullDate="1988-03-03T00:00:00Z"><w:dateFormat w:val="d"/></w:date>'
    parts = {
        "word/document.xml": f"<w:document {W}>{field}</w:document>",
        "word/media/Ann Müller.png": b"x",
        "word/media/image1.png": b"x",
        "word/_rels/document.xml.rels": RELS.format(
            '<Relationship Id="r1" Target="media/Ann%20M%C3%BCller.png"/><Relationship Id="r2" Target="media/image1.png"/>'
        ),
    }
    written = unpack(mask("a.docx", pack(parts)))
    assert [name for name in written if "media" in name] == ["word/media/picture1.png", "word/media/image1.png"]
    assert b'"media/picture1.png"' in written["word/_rels/document.xml.rels"]
    assert b"fullDate" not in written["word/document.xml"]
    assert b"dateFormat" in written["word/document.xml"]


@pytest.mark.parametrize("kind", ["n", "d"])
def test_a_masked_number_of_a_pivot_cache_is_refused(mask: FileMasker, kind: str) -> None:
    records = f'<r xmlns="m"><r><{kind} v="4111 1111 1111 1111"/></r></r>'
    with pytest.raises(MaskingError, match="remove the chart or pivot"):
        mask("a.xlsx", pack({"xl/pivotCache/pivotCacheRecords1.xml": records}))


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("value", [VALUE, "Müller"])
def test_no_hiding_place(mask: FileMasker, place: str, value: str) -> None:
    name, template = PLACES[place]
    written = unpack(mask("a.docx", pack({name: fill(template, value)})))
    text = written[name].decode()
    assert value not in text
    assert not template.count("{1}") or f">{value[4:]}<" not in text
    if place not in ("creator", "author of a comment"):
        assert any(mark in text for mark in ("_1]", "_1)", "_1_"))


@pytest.mark.parametrize("place", PLACES)
def test_the_check_finds_a_leak_in_every_place(
    tmp_path: object, labels: LabelSchema, mask: FileMasker, place: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(office, "_write_part", lambda part, changes, content: content)
    name, template = PLACES[place]
    with pytest.raises(MaskingError, match="still stands"):
        mask("a.docx", pack({name: fill(template, VALUE)}))
    assert not (mask.folder / "out-a.docx").exists()


@pytest.mark.parametrize(
    ("part", "attribute"),
    [
        ("word/document.xml", 'w:ascii="{} Hand"'),
        ("word/theme/theme1.xml", 'typeface="{}"'),
        ("word/document.xml", 'x="{}2"'),
    ],
)
def test_an_attribute_that_is_no_text_loses_only_values_that_are_masked_elsewhere(
    mask: FileMasker, part: str, attribute: str
) -> None:
    body = f"<w:document {W}><w:p><w:r><w:t>{{}}</w:t></w:r><w:rFonts {{}}/></w:p></w:document>"
    parts = {
        "word/document.xml": body.format("Smith", attribute.format("Ann-") if part.endswith("document.xml") else "")
    }
    other = {} if part in parts else {part: f"<a><b {attribute.format('Ann')}/></a>"}
    kept = unpack(mask("a.docx", pack({**parts, **other})))
    assert attribute.format("Ann" if other else "Ann-") in kept[part].decode()
    parts["word/document.xml"] = parts["word/document.xml"].replace("Smith", "Ann")
    written = unpack(mask("a.docx", pack({**parts, **other})))
    assert "Ann" not in written[part].decode()
    assert "[FIRSTNAME_1]" in written[part].decode()


def test_escapes_of_strings_of_office_are_read(mask: FileMasker) -> None:
    strings = '<sst xmlns="m"><si><t>M_x00FC_ller_x000D_</t></si></sst>'
    written = unpack(mask("a.xlsx", pack({"xl/sharedStrings.xml": strings})))
    assert written["xl/sharedStrings.xml"].decode() == strings.replace("M_x00FC_ller", "[SURNAME_1]")


def test_queries_of_power_query_are_refused(mask: FileMasker) -> None:
    item = '<DataMashup xmlns="http://schemas.microsoft.com/DataMashup">AAAA</DataMashup>'.encode("utf-16")
    with pytest.raises(InputError, match="Power Query"):
        mask("a.xlsx", pack({"customXml/item1.xml": item}))


@pytest.mark.parametrize("item", ["<a><Smith>1</Smith></a>", '<a Smith="1"/>'])
def test_a_name_in_the_tags_of_custom_xml_is_refused(mask: FileMasker, item: str) -> None:
    body = f"<w:document {W}><w:p><w:r><w:t>Smith</w:t></w:r></w:p></w:document>"
    with pytest.raises(MaskingError, match="still stands"):
        mask("a.docx", pack({"word/document.xml": body, "customXml/item1.xml": item}))


def test_a_value_in_the_name_of_a_part_is_refused(mask: FileMasker) -> None:
    with pytest.raises(MaskingError, match="name of a part"):
        mask("a.docx", pack({"word/document.xml": fill(PLACES["body"][1], "Ann"), "customXml/Ann.xml": "<a/>"}))


def test_a_leak_in_a_binary_part_is_found(mask: FileMasker) -> None:
    document = fill(PLACES["body"][1], VALUE)
    for content in (VALUE.encode(), VALUE.encode("utf-16-le")):
        with pytest.raises(MaskingError, match="still stands"):
            mask("a.docx", pack({"word/document.xml": document, "word/fonts/font1.odttf": b"\0" + content}))


def test_what_is_not_masked_stays_byte_for_byte(mask: FileMasker) -> None:
    parts = {
        "word/document.xml": f'<?xml version="1.0"?>\n<w:document  {W} ><w:p w:rsidR="00AB12"><w:t xml:space="preserve"> a &amp; b </w:t></w:p>'
        "</w:document>",
        "word/styles.xml": f'<w:styles {W}><w:style w:styleId="Heading1"><w:name w:val="heading 1"/></w:style></w:styles>',
    }  # fmt: skip
    written = unpack(mask("a.docx", pack(parts)))
    assert {name: content.decode() for name, content in written.items()} == {"[Content_Types].xml": TYPES, **parts}


def test_a_value_over_runs_and_parts_is_one_person(mask: FileMasker) -> None:
    body = f"<w:document {W}><w:p><w:r><w:t>An</w:t></w:r><w:r><w:t>n Smi</w:t></w:r><w:r><w:t>th &lt;3</w:t></w:r></w:p></w:document>"
    header = f"<w:hdr {W}><w:p><w:r><w:t>Ann</w:t></w:r></w:p></w:hdr>"
    written = unpack(mask("a.docx", pack({"word/document.xml": body, "word/header1.xml": header})))
    assert (
        b"<w:t>[FIRSTNAME_1]</w:t></w:r><w:r><w:t> [SURNAME_1]</w:t></w:r><w:r><w:t> &lt;3</w:t>"
        in written["word/document.xml"]
    )
    assert b"<w:t>[FIRSTNAME_1]</w:t>" in written["word/header1.xml"]


def test_a_masked_number_becomes_a_text_and_indexes_stay(labels: LabelSchema, mask: FileMasker) -> None:
    sheet = '<worksheet xmlns="m"><row><c r="A1" t="s"><v>4155550132</v></c><c r="B1" s="2"><v>4155550132</v></c><c r="C1"><v>7</v></c></row></worksheet>'
    (mask.folder / "a.xlsx").write_bytes(pack({"xl/worksheets/sheet1.xml": sheet}))
    masker = Masker(LexiconPredictor(values={"4155550132": "PHONENUMBER"}), load_policy("pseudonymise"), labels)
    with pytest.raises(MaskingError):
        run_sync(mask_file(mask.folder / "a.xlsx", mask.folder / "b.xlsx", masker, FileSettings()))
    (mask.folder / "a.xlsx").write_bytes(
        pack({"xl/worksheets/sheet1.xml": sheet.replace(' t="s"><v>4155550132', ' t="s"><v>3')})
    )
    run_sync(mask_file(mask.folder / "a.xlsx", mask.folder / "b.xlsx", masker, FileSettings()))
    written = unpack((mask.folder / "b.xlsx").read_bytes())["xl/worksheets/sheet1.xml"].decode()
    assert (
        '<c r="A1" t="s"><v>3</v></c><c r="B1" s="2" t="str"><v>[PHONENUMBER_1]</v></c><c r="C1"><v>7</v></c>'
        in written
    )


def test_names_of_sheets_stay_names_of_sheets(mask: FileMasker) -> None:
    parts = {
        "xl/workbook.xml": '<workbook xmlns="m"><sheets><sheet name="Ann" sheetId="1"/><sheet name="x" sheetId="2"/></sheets></workbook>',
        "xl/worksheets/sheet1.xml": '<worksheet xmlns="m"><row><c t="str"><f>Ann!A1</f><v>Ann</v></c></row></worksheet>',
    }
    written = unpack(mask("a.xlsx", pack(parts)))
    assert b'name="(FIRSTNAME_1)"' in written["xl/workbook.xml"]
    assert b"<f>(FIRSTNAME_1)!A1</f><v>[FIRSTNAME_1]</v>" in written["xl/worksheets/sheet1.xml"]
    twice = parts["xl/workbook.xml"].replace('"x"', '"Bob"')
    with pytest.raises(MaskingError, match="rename the sheets"):
        mask("b.xlsx", pack({"xl/workbook.xml": twice}), policy="redact")


def test_pictures_are_replaced_and_the_report_says_so(mask: FileMasker) -> None:
    picture = io.BytesIO()
    Image.new("RGB", (30, 20), (200, 0, 0)).save(picture, "PNG")
    parts = {"word/document.xml": f"<w:document {W}/>", "word/media/image1.png": picture.getvalue()}
    written = unpack(mask("a.docx", pack(parts)))
    with Image.open(io.BytesIO(written["word/media/image1.png"])) as blank:
        assert blank.size == (30, 20)
        assert len(blank.getcolors() or ()) == 1
    assert mask.counts.notes == ["replaced 1 picture, whose text cannot be checked"]


def test_printer_settings_are_dropped(mask: FileMasker) -> None:
    parts = {
        "xl/worksheets/sheet1.xml": '<worksheet xmlns="m" xmlns:r="r"><pageSetup orientation="portrait" r:id="rId1"/></worksheet>',
        "xl/worksheets/_rels/sheet1.xml.rels": RELS.format('<Relationship Id="rId1" Target="../printerSettings/printerSettings1.bin"/>'),
        "xl/printerSettings/printerSettings1.bin": b"A\0N\0N\0",
    }  # fmt: skip
    written = unpack(mask("a.xlsx", pack(parts)))
    assert "xl/printerSettings/printerSettings1.bin" not in written
    assert b"printerSettings" not in written["xl/worksheets/_rels/sheet1.xml.rels"]
    assert b"r:id" not in written["xl/worksheets/sheet1.xml"]


@pytest.mark.parametrize(
    ("parts", "reason"),
    [
        ({"word/vbaProject.bin": b"x"}, "macros"),
        ({"word/embeddings/oleObject1.bin": b"x"}, "oleObject1"),
        ({"word/media/clip.mp4": b"x"}, "clip.mp4"),
        ({"word/media/image1.emf": b"x"}, "image1.emf"),
        ({"word/document.xml": "<!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>"}, "document"),
        ({"word/document.xml": "<a><b></a>"}, "document"),
        ({"word/document.xml": b"\xff\xfe\xfa"}, "document"),
        ({"../evil.xml": "<a/>"}, "forbidden"),
        ({"word/bomb.xml": b"<a>" + b" " * (8 << 20) + b"</a>"}, "unpacks"),
    ],
)
def test_what_cannot_be_read_is_refused_by_name(mask: FileMasker, parts: dict[str, str | bytes], reason: str) -> None:
    with pytest.raises((InputError, MaskingError), match=reason):
        mask("a.docx", pack(parts))
    assert not (mask.folder / "out-a.docx").exists()


def test_what_is_no_package_is_refused(mask: FileMasker) -> None:
    for content in (b"", b"PK", b"\xd0\xcf\x11\xe0 encrypted", b"x" * 100):
        with pytest.raises(InputError):
            mask("a.docx", content)
    stream = io.BytesIO()
    zipfile.ZipFile(stream, "w").close()
    with pytest.raises(InputError, match="not an Office document"):
        mask("a.docx", stream.getvalue())
