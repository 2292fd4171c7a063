"""The page in a real browser: Chromium, without a window. Needs Selenium, chromium and chromedriver."""

import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from backproof.conformance.check.heatmap import Heatmap
from backproof.conformance.check.verdict import Miss, MissKind
from backproof.conformance.diagnosis.findings import Diagnosis, Finding
from backproof.conformance.pages.changes import changes, closer
from backproof.conformance.pages.comparison import comparison_page
from backproof.conformance.pages.page import run_page
from backproof.conformance.record.contents import RunRecord
from backproof.vectors.dtypes import DTYPES
from run_records import absent, failure, family, record

if TYPE_CHECKING:
    from selenium.webdriver import Chrome

pytestmark = pytest.mark.browser

OPS = (
    "cross_entropy",
    "dense",
    "mlp",
    "relu",
    "softmax",
    "softmax_cross_entropy",
    "softmax_cross_entropy_from_outputs",
)
FLAGS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
DESK, PHONE, SMALL_PHONE = (1280, 800), (360, 740), (320, 640)


@pytest.fixture(scope="module")
def chrome(tmp_path_factory: pytest.TempPathFactory) -> Iterator["Chrome"]:
    webdriver = pytest.importorskip("selenium.webdriver", reason="needs Selenium: pip install selenium")
    programs = [shutil.which(name) for name in ("chromium", "chromedriver")]
    if not all(programs):
        pytest.skip("needs chromium and chromedriver (Debian: apt-get install chromium chromium-driver)")
    options = webdriver.ChromeOptions()
    options.binary_location = programs[0]
    for flag in (*FLAGS, f"--user-data-dir={tmp_path_factory.mktemp('chromium')}"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    driver = webdriver.Chrome(options=options, service=webdriver.ChromeService(programs[1]))
    yield driver
    driver.quit()


Show = Callable[..., "Chrome"]
Runs = tuple[RunRecord, ...]


@pytest.fixture
def show(chrome: "Chrome", tmp_path: Path) -> Show:
    """Open the page of a run, or of several, on a screen of so many pixels, in one scheme of colours."""

    def show(run: RunRecord | Runs, screen: tuple[int, int] = DESK, scheme: str = "light") -> "Chrome":
        path = tmp_path / "run.html"
        path.write_text(run_page(run) if isinstance(run, RunRecord) else side_by_side(run), encoding="utf-8")
        size = {"width": screen[0], "height": screen[1], "deviceScaleFactor": 1, "mobile": screen[0] < 600}
        chrome.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
        features = [{"name": "prefers-color-scheme", "value": scheme}]
        chrome.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})
        chrome.get(path.as_uri())
        return chrome

    return show


def failing_run() -> RunRecord:
    """All operations and dtypes; dense fails in two ways, one with a large tensor."""
    cells = tuple(tuple(float(10.0 ** (r - c)) for c in range(32)) for r in range(32))
    value = Miss(
        MissKind.VALUE,
        False,
        0,
        "dL_dweights is wrong",
        ("worst at [1, 0]: got 1, expected 2",),
        Heatmap("dL_dweights", 0, (64, 64), 64, 64, cells),
    )
    small = Miss(
        MissKind.VALUE,
        False,
        0,
        "dL_dbiases is wrong",
        ("by much",),
        Heatmap("dL_dbiases", 0, (2, 8), 2, 8, ((0.0, 0.5, 4.0, 400.0, 4e5, 1e308, 4e9, "exact"),) * 2),
    )
    raised = Miss(MissKind.RAISED, False, 0, "case 0 raised ValueError: " + "long" * 60)
    passing = [family(1, op=op, dtype=dtype, fraction=0.4) for op in OPS for dtype in DTYPES[:3]]
    missing = [absent(1, op=op, dtype="bfloat16") for op in OPS]
    wrong = [failure(n, value if n % 2 else small, dtype=d) for d in DTYPES[:2] for n in range(2, 14)]
    finding = Finding("dense.bias_gradient_is_the_mean", "The biases' gradient is the mean.", "sum over the batch.")
    return record(
        *passing,
        *missing,
        *wrong,
        failure(14, raised, dtype="float64"),
        diagnoses=(Diagnosis("dense", "backward", (finding,)),),
    )


def passing_run() -> RunRecord:
    return record(*(family(1, op=op, dtype=dtype, fraction=0.4) for op in OPS for dtype in DTYPES))


def partial_run() -> RunRecord:
    right = [family(1, op=op, dtype=dtype, fraction=0.4) for op in OPS[:3] for dtype in DTYPES[:2]]
    return record(*right, *(absent(1, op=op, dtype=dtype) for op in OPS[3:] for dtype in DTYPES))


def side_by_side(runs: Runs) -> str:
    """The page of several runs; of two, of the one before and the one now."""
    then_and_now = len(runs) == 2
    return comparison_page(runs, changes(*runs) if then_and_now else None, closer(*runs) if then_and_now else ())


SEVERAL, THEN_AND_NOW = (passing_run(), failing_run(), partial_run()), (passing_run(), failing_run())
RUNS = pytest.mark.parametrize("run", [failing_run(), passing_run()], ids=["failing", "passing"])
PAGES = pytest.mark.parametrize(
    "run", [failing_run(), passing_run(), SEVERAL, THEN_AND_NOW], ids=["failing", "passing", "several", "then and now"]
)


@PAGES
def test_nothing_is_complained_of_and_nothing_is_fetched(show: Show, run: RunRecord | Runs) -> None:
    chrome = show(run)
    chrome.get_log("performance")
    chrome.refresh()
    assert chrome.get_log("browser") == []
    messages = [json.loads(entry["message"])["message"] for entry in chrome.get_log("performance")]
    addresses = [m["params"]["request"]["url"] for m in messages if m["method"] == "Network.requestWillBeSent"]
    assert {address.partition(":")[0] for address in addresses} <= {"file", "data"}
    assert [address for address in addresses if address.startswith("file:")] == [chrome.current_url]


@RUNS
def test_the_answer_and_the_glance_are_seen_without_scrolling(show: Show, run: RunRecord) -> None:
    chrome = show(run)
    for selector in (".answer", ".matrix"):
        box = chrome.find_element("css selector", selector).rect
        assert box["y"] >= 0
        assert box["y"] + box["height"] <= DESK[1]
    words = chrome.find_element("css selector", ".matrix").text
    assert "softmax_cross_entropy_from_outputs" in words
    assert "fails" in words or run.counts["failed"] == 0


@PAGES
@pytest.mark.parametrize("screen", [PHONE, SMALL_PHONE], ids=["360", "320"])
@pytest.mark.parametrize("unfolded", [False, True])
def test_a_phone_never_scrolls_sideways(
    show: Show, run: RunRecord | Runs, screen: tuple[int, int], unfolded: bool
) -> None:
    chrome = show(run, screen)
    if unfolded:
        chrome.execute_script("document.querySelectorAll('details').forEach(e => e.open = true)")
    width, shown = chrome.execute_script("return [document.documentElement.scrollWidth, innerWidth]")
    assert shown == screen[0]
    assert width <= screen[0]
    wider = chrome.execute_script(
        "return [...document.querySelectorAll('body *')].filter(e => !e.closest('.unseen, .skip, .sideways') "
        "&& e.getBoundingClientRect().right > innerWidth + 0.5).map(e => e.outerHTML.slice(0, 80))"
    )
    assert wider == []


def test_who_conforms_to_what_is_seen_without_scrolling(show: Show) -> None:
    chrome = show(SEVERAL)
    answers = [element.text for element in chrome.find_elements("css selector", ".answer strong")]
    assert answers == ["my layers 3.1 conforms.", "my layers 3.1 does not conform.", "my layers 3.1 conforms in part."]
    table = chrome.find_element("css selector", ".several")
    assert table.rect["y"] + table.rect["height"] <= DESK[1]
    rows = {row.find_element("tag name", "th").text: row for row in table.find_elements("css selector", "tbody tr")}
    passes, fails, _ = (cell.text for cell in rows["dense"].find_elements("tag name", "td"))
    assert passes == "\N{CHECK MARK} passes"
    assert "\N{BALLOT X} fails" in fails
    assert "not implemented" in rows["relu"].text


def test_what_is_wrong_with_whom_is_said_on_the_page_of_several(show: Show) -> None:
    section = show(SEVERAL).find_element("css selector", "section[aria-labelledby=wrong]")
    assert "dense_backward" in section.text
    assert "B my layers 3.1: 25 families" in section.text
    assert "looks like dense.bias_gradient_is_the_mean" in section.text


def test_a_failure_is_found_in_two_clicks(show: Show) -> None:
    chrome = show(failing_run())
    cell = next(a for a in chrome.find_elements("css selector", ".matrix a") if "fails" in a.text)
    cell.click()
    row = chrome.find_element("css selector", ":target")
    assert row.find_element("css selector", "th").text in DTYPES
    next(a for a in row.find_elements("tag name", "a") if "exceptions" in a.text).click()
    summary = chrome.find_element("css selector", "section:has(> :target) .summary")
    assert "raised ValueError" in summary.text
    assert 0 <= chrome.execute_script("return arguments[0].getBoundingClientRect().top", summary) < DESK[1]


def test_the_page_works_by_keyboard(show: Show) -> None:
    from selenium.webdriver import ActionChains, Keys

    chrome = show(failing_run())

    def press(*keys: str) -> Any:
        ActionChains(chrome).send_keys(*keys).perform()
        return chrome.switch_to.active_element

    skip = press(Keys.TAB)
    assert skip.text == "Skip to the report"
    assert skip.rect["x"] >= 0  # it comes into view
    assert press(Keys.ENTER).get_attribute("id") == "main"
    first = press(Keys.TAB)
    assert first.find_element("xpath", "ancestor::table").get_attribute("class") == "matrix"
    assert first.value_of_css_property("outline-style") == "solid"
    chrome.execute_script("document.querySelectorAll('summary')[1].focus()")
    summary = press(Keys.ENTER)
    details = summary.find_element("xpath", "..")
    assert details.get_attribute("open") is not None
    assert "The family:" in details.text
    press(Keys.SPACE)
    assert details.get_attribute("open") is None


CONTRAST = """
const probe = document.createElement('canvas').getContext('2d', {willReadFrequently: true});
const rgba = colour => { probe.clearRect(0, 0, 1, 1); probe.fillStyle = colour; probe.fillRect(0, 0, 1, 1);
  return probe.getImageData(0, 0, 1, 1).data; };
const light = ([r, g, b]) => [r, g, b].map(v => v / 255)
  .map(v => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
  .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
const ground = element => { for (let e = element; e; e = e.parentElement) {
  const colour = rgba(getComputedStyle(e).backgroundColor); if (colour[3] === 255) return colour; }
  throw 'no background'; };
document.querySelectorAll('details').forEach(e => e.open = true);
const low = [];
const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
let seen = 0;
while (walker.nextNode()) {
  const element = walker.currentNode.parentElement;
  if (!walker.currentNode.data.trim() || element.closest('.unseen')) continue;
  seen += 1;
  const [one, other] = [light(rgba(getComputedStyle(element).color)), light(ground(element))].sort((a, b) => b - a);
  const ratio = (one + 0.05) / (other + 0.05);
  if (ratio < 4.5) low.push([ratio.toFixed(2), element.outerHTML.slice(0, 100)]);
}
return [seen, low, light(ground(document.body))];
"""
"""The texts whose contrast with what is behind them is less than WCAG 2.2 asks at level AA (4.5), by its formula."""


@pytest.mark.parametrize("scheme", ["light", "dark"])
@PAGES
def test_all_text_stands_out_in_either_scheme(show: Show, run: RunRecord | Runs, scheme: str) -> None:
    seen, low, ground = show(run, DESK, scheme).execute_script(CONTRAST)
    assert seen > 100
    assert low == []
    assert (ground > 0.5) == (scheme == "light")


def test_a_printed_page_shows_what_is_folded_away(show: Show) -> None:
    chrome = show(failing_run())
    chrome.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "print"})
    try:
        folded = chrome.find_elements("css selector", "details:not([open]) .failure")
        assert len(folded) > 5
        assert all(element.rect["height"] > 50 for element in folded)
        assert not chrome.find_element("css selector", "nav").is_displayed()
    finally:
        chrome.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": ""})
