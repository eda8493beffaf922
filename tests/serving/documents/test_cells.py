from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from goldspan.annotation.errors import MaskingError
from goldspan.masking.policy import Policy, build_policy
from goldspan.serving.documents.cells import CellFormats
from tests.serving.documents.conftest import FileMasker

MAIN = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'
STYLES = (
    f'<styleSheet {MAIN}><numFmts><numFmt numFmtId="164" formatCode="dd\\.mm\\.yyyy;@"/>'
    '<numFmt formatCode="[Red]#,##0.00 &quot;days&quot;" numFmtId="165"/></numFmts>'
    '<cellStyleXfs><xf numFmtId="14"/></cellStyleXfs><cellXfs><xf numFmtId="0"/><xf fontId="1" numFmtId="14"/>'
    '<xf numFmtId="164"><alignment/></xf><xf numFmtId="165"/><xf numFmtId="20"/><xf fontId="2"/></cellXfs></styleSheet>'
)
SHEET = (
    f'<worksheet {MAIN}><sheetData><row r="1"><c r="A1" t="s"><v>0</v></c><c r="B1" t="s"><v>1</v></c></row>'
    '<row r="2"><c r="A2" s="2"><v>32205</v></c><c r="B2" s="3"><v>32205</v></c><c r="C2" s="0"><v>4.91701234567E11</v>'
    "</c></row></sheetData></worksheet>"
)
STRINGS = f"<sst {MAIN}><si><t>born</t></si><si><r><t>amo</t></r><r><t>unt</t></r></si></sst>"


def make_policy(label: str, pattern: str, **more: object) -> Policy:
    recogniser = {"label": label, "pattern": pattern, **more}
    return build_policy({"version": 1, "name": "x", "default": {"operator": "number"}, "recognisers": [recogniser]})


BORN = make_policy("DATEOFBIRTH", r"\d{4}-\d\d-\d\d", context=["born"], window=10)


def pack(**parts: str) -> bytes:
    names = {
        "styles": "xl/styles.xml",
        "sheet": "xl/worksheets/sheet1.xml",
        "strings": "xl/sharedStrings.xml",
        "book": "xl/workbook.xml",
        "chart": "xl/charts/chart1.xml",
        "pivot": "xl/pivotCache/pivotCacheDefinition1.xml",
    }
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr("[Content_Types].xml", "<Types/>")
        for part, content in parts.items():
            archive.writestr(names[part], content)
    return stream.getvalue()


def read_sheet(data: bytes) -> str:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return archive.read("xl/worksheets/sheet1.xml").decode()


def test_a_date_is_read_with_the_name_of_its_column_and_masked(mask: FileMasker) -> None:
    sheet = read_sheet(mask("a.xlsx", pack(styles=STYLES, sheet=SHEET, strings=STRINGS), policy=BORN))
    assert '<c r="A2" s="2" t="str"><v>[DATEOFBIRTH_1]</v></c>' in sheet
    assert '<c r="B2" s="3"><v>32205</v></c><c r="C2" s="0"><v>4.91701234567E11</v>' in sheet


def test_a_long_number_is_read_without_its_exponent(mask: FileMasker) -> None:
    policy = make_policy("PHONENUMBER", "491701234567")
    sheet = read_sheet(mask("a.xlsx", pack(styles=STYLES, sheet=SHEET), policy=policy))
    assert '<c r="C2" s="0" t="str"><v>[PHONENUMBER_1]</v></c>' in sheet


@pytest.mark.parametrize(
    "cache",
    [
        {"chart": '<c:chart xmlns:c="c"><c:pt><c:v>32205</c:v></c:pt></c:chart>'},
        {"pivot": '<d xmlns="m"><sharedItems minDate="1988-03-03T00:00:00"/></d>'},
    ],
)
def test_a_masked_date_in_a_cache_is_refused(mask: FileMasker, cache: Mapping[str, str]) -> None:
    with pytest.raises(MaskingError, match="holds a masked number or date"):
        mask("a.xlsx", pack(styles=STYLES, sheet=SHEET, strings=STRINGS, **cache), policy=BORN)


def make_formats(old: bool) -> CellFormats:
    book = f'<workbook><workbookPr date1904="{int(old)}"/></workbook>'
    return CellFormats.read({"xl/styles.xml": STYLES.encode(), "xl/workbook.xml": book.encode()})


@given(day=st.dates(date(1904, 1, 2), date(9999, 12, 30)), seconds=st.integers(1, 86_399), old=st.booleans())
def test_days_are_counted_as_excel_does(day: date, seconds: int, old: bool) -> None:
    count = (day - (date(1904, 1, 1) if old else date(1899, 12, 30))).days
    formats = make_formats(old)
    assert formats.show('<c s="1">', str(count)) == day.isoformat()
    moment = datetime(day.year, day.month, day.day, tzinfo=UTC) + timedelta(seconds=seconds)
    assert formats.show('<c s="2">', repr(count + seconds / 86_400)) == moment.strftime("%Y-%m-%d %H:%M:%S")


@pytest.mark.parametrize(
    ("tag", "value"),
    [('<c s="3">', "32205"), ('<c s="4">', "0.5"), ("<c>", "32205"), ('<c s="1" t="s">', "3"), ('<c s="1">', "-5"),
     ('<c s="1">', "1e300"), ('<c s="9">', "7"), ('<c s="5">', "32205"), ('<c s="1" t="str">', "32205"), ("<c>", "x")],
)  # fmt: skip
def test_other_values_stay_as_they_stand(tag: str, value: str) -> None:
    assert make_formats(old=False).show(tag, value).removesuffix("0" * 300) in (value, "1")
