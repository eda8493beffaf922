"""The masking page in a real browser, on a real server."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson
import pytest

from goldspan.predictors.model.calibration import Calibration, OperatingPoint
from tests.serving.documents.pdf.drawing import make_pdf, write
from tests.walk.masking_server import RunningServer

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = pytest.mark.walk
TEXT = "👩‍💻 Ann Smith met Bob in Berlin.\nAnn wrote to bob@mail.com."
MASKED = "👩‍💻 [FIRSTNAME_1] [SURNAME_1] met [FIRSTNAME_2] in [CITY_1].\n[FIRSTNAME_1] wrote to [EMAIL_2]."


@pytest.fixture
def page(browser: Browser, server: RunningServer) -> Iterator[Page]:
    context = browser.new_context(viewport={"width": 1440, "height": 900}, accept_downloads=True)
    page = context.new_page()
    problems: list[str] = []
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.on("request", lambda r: problems.append(r.url) if not r.url.startswith((server.url, "blob:")) else None)
    page.goto(server.url)
    page.wait_for_selector("#groups fieldset")
    yield page
    assert problems == []
    context.close()


def mask(page: Page, text: str = TEXT) -> None:
    page.fill("#input", text)
    page.click("#mask-button")
    page.wait_for_selector("#summary .good")


def wait_for_masked(page: Page, text: str) -> None:
    page.wait_for_function("(text) => document.getElementById('masked').textContent === text", arg=text)


def test_a_text_is_masked_corrected_and_downloaded(page: Page, tmp_path: Path) -> None:
    mask(page)
    wait_for_masked(page, MASKED)
    assert "6 entities · 2 persons · 1 left" not in page.inner_text("#summary")
    assert "complete ✓" in page.inner_text("#summary")
    assert page.text_content("#original") == TEXT

    page.locator("#masked .entity", has_text="CITY_1").click()
    page.click("[data-action=unmask]")
    wait_for_masked(page, MASKED.replace("[CITY_1]", "Berlin"))
    page.click("#undo-button")
    wait_for_masked(page, MASKED)

    page.locator("#masked .entity", has_text="FIRSTNAME_1").first.click()
    page.click("[data-action=unmask-all]")
    wait_for_masked(page, "👩‍💻 Ann [SURNAME_1] met [FIRSTNAME_1] in [CITY_1].\nAnn wrote to [EMAIL_1].")
    page.locator("#original .entity.off").first.click()
    page.click("[data-action=mask-all]")
    wait_for_masked(page, MASKED)

    page.locator("#masked .entity", has_text="CITY_1").click()
    page.select_option("#menu-label", "COUNTRY")
    wait_for_masked(page, MASKED.replace("CITY", "COUNTRY"))
    with page.expect_download() as download:
        page.click("#download-button")
    assert Path(download.value.path()).read_text() == MASKED.replace("CITY", "COUNTRY")


def test_an_answer_about_the_masked_text_is_restored(page: Page) -> None:
    mask(page)
    wait_for_masked(page, MASKED)
    page.click("#restore-button")
    page.fill("#restore-input", "Dear [FIRSTNAME_1] [SURNAME_1], [CITY_9] is not [CITY_1].")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.wait_for_selector("#restore-result:not([hidden])")
    assert page.inner_text("#restore-result") == "Dear Ann Smith, [CITY_9] is not Berlin."
    assert page.inner_text("#restore-note") == "3 values restored · unknown: [CITY_9]"
    page.keyboard.press("Escape")
    page.select_option("#policy", "redact")
    page.wait_for_selector("#restore-button:disabled")


def test_a_selection_becomes_an_entity(page: Page) -> None:
    mask(page)
    page.evaluate(
        """() => {
            const walker = document.createTreeWalker(document.getElementById("original"), NodeFilter.SHOW_TEXT);
            while (!walker.nextNode().textContent.includes("wrote"));
            const at = walker.currentNode.textContent.indexOf("wrote");
            getSelection().setBaseAndExtent(walker.currentNode, at, walker.currentNode, at + 5);
            document.getElementById("original").dispatchEvent(new MouseEvent("mouseup", {bubbles: true}));
        }"""
    )
    page.wait_for_selector("#menu:not([hidden])")
    page.select_option("#menu-label", "COMPANYNAME")
    wait_for_masked(page, MASKED.replace("wrote", "[COMPANYNAME_1]"))


def test_entities_operators_policy_and_sensitivity(page: Page, server: RunningServer) -> None:
    mask(page)
    page.get_by_role("checkbox", name="City").uncheck()
    wait_for_masked(page, MASKED.replace("[CITY_1]", "Berlin"))
    page.click("#select-none")
    wait_for_masked(page, TEXT)
    page.click("#select-all")
    page.get_by_label("Operator for CONTACT").select_option("replace")
    wait_for_masked(page, MASKED.replace("[EMAIL_2]", "[EMAIL]"))
    page.select_option("#policy", "redact")
    wait_for_masked(page, "👩‍💻 [REDACTED] [REDACTED] met [REDACTED] in [REDACTED].\n[REDACTED] wrote to [EMAIL].")
    requests: list[str] = []
    page.on("request", lambda request: requests.append(request.url))
    page.locator("#threshold").fill("0.95")
    wait_for_masked(page, TEXT)
    assert not [url for url in requests if url.endswith("/v1/detect")]


def test_a_method_that_fails_leaves_the_masked_side_empty(page: Page) -> None:
    mask(page)
    page.click("#edit-button")
    page.fill("#input", "CRASH Ann Smith")
    page.click("#mask-button")
    page.wait_for_selector("#notice:not([hidden])")
    assert page.inner_text("#masked") == ""
    assert "Ann" not in page.inner_text("#notice")
    assert page.is_disabled("#copy-button")


def test_files(page: Page, tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("name\nAnn\n")
    (tmp_path / "b.exe").write_text("Ann")
    page.click("#tab-files")
    page.set_input_files("#file-input", [str(tmp_path / "a.csv"), str(tmp_path / "b.exe")])
    page.wait_for_selector("#jobs .good")
    page.wait_for_selector("#jobs .bad")
    assert "nothing to download" in page.locator("#jobs tr", has_text="b.exe").inner_text()
    with page.expect_download() as download:
        page.get_by_label("Download a.csv").click()
    assert Path(download.value.path()).read_text() == "name\n[FIRSTNAME_1]\n"


def test_pages_of_the_short_form_work(page: Page) -> None:
    """The requests of a page made for `/predict` and `/predict-pdf`, with its names, from Chromium."""
    names = ["FIRSTNAME", "LASTNAME", "EMAIL", "ZIPCODE", "DOB", "IP", "ADDRESS", "CITY"]
    pdf = base64.b64encode(make_pdf(write("Ann Smith of Berlin"))).decode()
    answers: dict[str, Any] = page.evaluate(SHORT_FORM, {"names": names, "pdf": pdf})
    assert answers["text"]["masked_text"] == "[FIRSTNAME_1] [SURNAME_1] met Rob in [CITY_1]."
    assert answers["pdf"]["masked_text"] == "[FIRSTNAME_1] [SURNAME_1] of [CITY_1]"
    for answer in (answers["text"], answers["pdf"]):
        assert isinstance(answer["processing_time"], float)
        assert answer["method_used"].upper().endswith("BERT")
        assert answer["selected_entities"] == names
        assert answer["num_entities"] == 3
    assert "blank" in answers["refused"]["detail"]


SHORT_FORM = """async ({names, pdf}) => {
    const ask = async (body) => (await fetch("/predict", {
        method: "POST", headers: {"Content-Type": "application/json"}, body: JSON.stringify(body)})).json();
    const request = {text: "Ann Smith met Rob in Berlin.", method: "bert", model: "base", pii_entities: names};
    const form = new FormData();
    form.append("file", new File([Uint8Array.from(atob(pdf), (c) => c.charCodeAt(0))], "a.pdf"));
    form.append("method", "bert");
    form.append("model", "base");
    form.append("pii_entities", JSON.stringify(names));
    return {
        text: await ask(request),
        pdf: await (await fetch("/predict-pdf", {method: "POST", body: form})).json(),
        refused: await ask({...request, text: " "}),
    };
}"""


def test_send_to_label_studio(page: Page, server: RunningServer) -> None:
    mask(page)
    page.click("#send-button")
    page.wait_for_function("() => document.getElementById('summary').textContent === 'Saved.'")
    sample = server.sent[-1]
    assert sample.text == TEXT
    values = [TEXT[entity.start : entity.end] for entity in sample.annotations[0].entities]
    assert values == ["Ann", "Smith", "Bob", "Berlin", "Ann", "bob@mail.com"]


def test_methods_and_reload(page: Page) -> None:
    page.click("#method-button")
    page.wait_for_selector("#methods .card")
    assert "not measured yet" in page.inner_text("#methods")
    page.locator("#methods .card", has_text="lexicon").click()
    page.click("#settings-button")
    page.fill("#model-source", "missing")
    page.click("#reload-form button")
    page.wait_for_function("() => document.getElementById('reload-result').textContent.includes('no model')")
    assert page.inner_text("#health") == "Healthy"
    page.fill("#model-source", "model-9")
    page.click("#reload-form button")
    page.wait_for_function("() => document.getElementById('reload-result').textContent === 'lexicon-9 serves now.'")


def test_an_operating_point_is_chosen(page: Page, tmp_path: Path) -> None:
    point = OperatingPoint(recall_wanted=0.95, bias=1.5, precision=0.8, recall=0.96, f1=0.87)
    (tmp_path / "calibration.json").write_bytes(orjson.dumps(Calibration(points=(point,)).to_json()))
    page.click("#settings-button")
    page.fill("#model-source", str(tmp_path))
    page.click("#reload-form button")
    page.wait_for_selector("#points:not([hidden])")
    choice = page.get_by_label("recall 0.95: gave recall 96.0 %, precision 80.0 %, F1 87.0 %")
    choice.check()
    page.click("#reload-form button")
    page.wait_for_function("() => document.getElementById('reload-result').textContent.includes('serves now')")
    page.wait_for_function("() => document.querySelector('[name=point]:checked').value === '0.95'")


def test_keyboard_theme_and_phone_width(page: Page) -> None:
    page.focus("#tab-text")
    page.keyboard.press("ArrowRight")
    assert page.is_visible("#panel-files")
    page.keyboard.press("ArrowLeft")
    page.fill("#input", TEXT)
    page.keyboard.press("Control+Enter")
    page.wait_for_selector("#masked .entity")
    page.locator("#masked .entity").first.focus()
    page.keyboard.press("Enter")
    assert page.is_visible("#menu")
    page.keyboard.press("Escape")
    assert page.is_hidden("#menu")
    assert page.evaluate("document.activeElement.className") == "entity"
    before = page.evaluate("document.documentElement.dataset.theme")
    page.click("#theme-button")
    assert page.evaluate("document.documentElement.dataset.theme") != before
    page.set_viewport_size({"width": 390, "height": 844})
    assert page.evaluate("document.documentElement.scrollWidth") <= 390


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_texts_have_enough_contrast(page: Page, theme: str) -> None:
    """WCAG 2.2 AA, 1.4.3: 4.5 to 1 for every text that is seen, on the background that is painted behind it."""
    page.evaluate(f"setTheme('{theme}')")
    mask(page)
    poor: list[Any] = page.evaluate(CONTRAST)
    assert poor == []


AXE_TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]


def check_axe(page: Page) -> list[Any]:
    found = page.evaluate(
        """async (tags) => (await axe.run({runOnly: tags})).violations.map(
            (one) => [one.id, one.help, one.nodes.map((node) => node.html.slice(0, 120))])""",
        AXE_TAGS,
    )
    return list(found)


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [1440, 390])
def test_axe_finds_no_fault(browser: Browser, server: RunningServer, theme: str, width: int) -> None:
    axe = pytest.importorskip("axe_core_python")
    context = browser.new_context(viewport={"width": width, "height": 900}, bypass_csp=True)
    page = context.new_page()
    page.goto(server.url)
    page.wait_for_selector("#groups fieldset")
    page.evaluate(f"setTheme('{theme}')")
    page.add_script_tag(content=(Path(axe.__file__).parent / "axe.min.js").read_text())
    assert check_axe(page) == []
    mask(page)
    assert check_axe(page) == []
    page.locator("#masked .entity").first.click()
    assert check_axe(page) == []
    page.keyboard.press("Escape")
    for button in ("#method-button", "#settings-button", "#restore-button", "#tab-files"):
        page.click(button)
        assert check_axe(page) == []
        page.keyboard.press("Escape")
    context.close()


CONTRAST = """() => {
    const canvas = document.createElement("canvas").getContext("2d", {willReadFrequently: true});
    const paint = (colors) => {
        canvas.clearRect(0, 0, 1, 1);
        for (const color of colors) { canvas.fillStyle = color; canvas.fillRect(0, 0, 1, 1); }
        return [...canvas.getImageData(0, 0, 1, 1).data].slice(0, 3);
    };
    const luminance = (rgb) => {
        const [r, g, b] = rgb.map((v) => (v /= 255) <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
        return 0.2126 * r + 0.7152 * g + 0.0722 * b;
    };
    const poor = [];
    const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    for (let node = walker.nextNode(); node; node = walker.nextNode()) {
        const element = node.parentElement;
        if (!node.textContent.trim() || !element.checkVisibility() || element.closest(":disabled")) continue;
        const layers = [];
        for (let one = element; one; one = one.parentElement) layers.unshift(getComputedStyle(one).backgroundColor);
        const back = paint(layers), front = paint([...layers, getComputedStyle(element).color]);
        const [low, high] = [luminance(back), luminance(front)].sort((a, b) => a - b);
        const ratio = (high + 0.05) / (low + 0.05);
        if (ratio < 4.5) poor.push([element.className || element.tagName, node.textContent.trim().slice(0, 20), ratio]);
    }
    return poor;
}"""


def test_a_page_of_a_rebound_name_neither_shows_nor_masks(browser: Browser, server: RunningServer) -> None:
    """A name that resolves to this machine, as after DNS rebinding, and a page of it that asks the server itself."""
    page = browser.new_page()
    rebound = server.url.replace("127.0.0.1", "rebound.localhost")
    page.goto(rebound)
    assert "does not answer to that host name" in page.inner_text("body")
    ask = """async url => {
        try {
            const body = JSON.stringify({text: "Ann Smith", language: "en"});
            const answer = await fetch(url, {method: "POST", body, mode: "cors"});
            return (await answer.text()).includes("FIRSTNAME");
        } catch (error) {
            return "refused";
        }
    }"""
    assert page.evaluate(ask, f"{server.url}/v1/mask") == "refused"
    assert page.evaluate(ask, f"{rebound}/v1/mask") in (False, "refused")
    page.close()
