"""The page in a real browser: tabs, filters, keys, themes, a phone, screen readers."""

from __future__ import annotations

import importlib.util
import shutil
from importlib.resources import files
from typing import TYPE_CHECKING, Any

import pytest

from reviewer.report import html
from reviewer.review import EVERYTHING
from reviewer.run import Request, review
from tests.command import THREADS
from tests.hostile_thread import big_patch, hostile_thread, quiet_patch

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from selenium.webdriver import Chrome

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or ""
CHROMEDRIVER = shutil.which("chromedriver") or ""
HAS_AXE = importlib.util.find_spec("axe_core_python") is not None

pytestmark = pytest.mark.skipif(
    not (CHROMIUM and CHROMEDRIVER and importlib.util.find_spec("selenium")),
    reason="chromium, chromedriver or selenium is not installed",
)

OPTIONS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--window-size=1200,900",
)
VISIBLE = "return [...document.querySelectorAll(arguments[0])].filter(e => e.checkVisibility())"
AXE = """
const done = arguments[arguments.length - 1];
axe.run(document, {resultTypes: ["violations"]}).then(found => done(
  found.violations.filter(v => ["serious", "critical"].includes(v.impact))
    .map(v => v.id + ": " + v.nodes.slice(0, 3).map(n => n.html.slice(0, 200)).join(" | "))));
"""


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chrome]:
    driver = _started(str(tmp_path_factory.mktemp("profile")))
    yield driver
    driver.quit()


def _started(profile: str, *, script: bool = True) -> Chrome:
    from selenium.webdriver import Chrome
    from selenium.webdriver.chrome.options import Options
    from selenium.webdriver.chrome.service import Service

    options = Options()
    options.binary_location = CHROMIUM
    for option in (*OPTIONS, f"--user-data-dir={profile}"):
        options.add_argument(option)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    if not script:
        setting = {"profile.managed_default_content_settings.javascript": 2}
        options.add_experimental_option("prefs", setting)
    return Chrome(options=options, service=Service(CHROMEDRIVER))


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The addresses of a page of each kind."""
    directory = tmp_path_factory.mktemp("pages")
    mails = {
        "demo": (THREADS / "demo-close-all" / "thread.mbox").read_bytes(),
        "hostile": hostile_thread(),
        "big": big_patch(10_000),
        "quiet": quiet_patch(),
    }
    return {name: _page(directory, name, content) for name, content in mails.items()}


def _page(directory: Path, name: str, mailbox: bytes) -> str:
    target = directory / f"{name}.mbox"
    target.write_bytes(mailbox)
    file = directory / f"{name}.html"
    result = review(Request((str(target),), use_tree=False))
    file.write_text(html.render(result, EVERYTHING), encoding="utf-8")
    return file.as_uri()


@pytest.fixture
def demo(browser: Chrome, pages: dict[str, str]) -> Chrome:
    """The page of the fixture thread as it opens on a wide light screen."""
    _look(browser)
    browser.get("about:blank")
    browser.get(pages["demo"])
    return browser


def _look(browser: Chrome, scheme: str = "light", width: int = 1200, height: int = 900) -> None:
    media = {"features": [{"name": "prefers-color-scheme", "value": scheme}]}
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", media)
    size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 500}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)


def _visible(browser: Chrome, selector: str) -> list[Any]:
    found: list[Any] = browser.execute_script(VISIBLE, selector)
    return found


def _complaints(browser: Chrome) -> list[Any]:
    """What the browser logged since it was asked last: refused scripts, errors of our own."""
    logged: list[Any] = browser.execute("getLog", {"type": "browser"})["value"]
    return logged


def _press(browser: Chrome, *keys: str) -> None:
    from selenium.webdriver import ActionChains

    for key in keys:
        ActionChains(browser).send_keys(key).perform()


def _selected(browser: Chrome) -> str:
    (tab,) = _visible(browser, '[role="tab"][aria-selected="true"]')
    words: str = tab.text
    return words.split()[0]


def _choose(browser: Chrome, name: str, value: str) -> None:
    from selenium.webdriver.support.select import Select

    Select(browser.find_element("name", name)).select_by_value(value)


def test_the_newest_series_is_open_and_a_click_opens_another(demo: Chrome) -> None:
    assert _selected(demo) == "v3"
    assert len(_visible(demo, ".revision")) == 1
    demo.find_element("link text", "v2").click()  # of the table
    assert _selected(demo) == "v2"
    (panel,) = _visible(demo, '[role="tabpanel"]')
    assert panel.find_element("tag name", "h2").text.startswith("v2 ")


def test_arrow_keys_move_between_the_tabs(demo: Chrome) -> None:
    from selenium.webdriver.common.keys import Keys

    _visible(demo, '[role="tab"][aria-selected="true"]')[0].click()
    _press(demo, Keys.ARROW_LEFT)
    assert _selected(demo) == "v2.2"
    assert demo.switch_to.active_element.get_attribute("aria-selected") == "true"
    _press(demo, Keys.END, Keys.ARROW_RIGHT)
    assert _selected(demo) == "v2"
    _press(demo, Keys.ARROW_LEFT, Keys.HOME)
    assert _selected(demo) == "v2"


def test_keys_go_from_remark_to_remark_and_back(demo: Chrome) -> None:
    demo.find_element("link text", "v2.1").click()
    remarks = [each.get_attribute("id") for each in _visible(demo, ".remark")]
    assert len(remarks) > 1
    _press(demo, "j")
    assert demo.switch_to.active_element.get_attribute("id") == remarks[0]
    _press(demo, "n")
    assert demo.switch_to.active_element.get_attribute("id") == remarks[1]
    assert demo.find_element("id", "status").text == f"2 of {len(remarks)} remarks"
    _press(demo, "k")
    assert demo.switch_to.active_element.get_attribute("id") == remarks[0]
    box = demo.switch_to.active_element.rect
    top = demo.execute_script("return scrollY")
    assert top <= box["y"] <= top + 900


def test_filters_choose_by_severity_rule_and_state(demo: Chrome) -> None:
    demo.find_element("link text", "v2.1").click()
    every = len(_visible(demo, ".remark"))
    demo.find_element("css selector", '[name="kind"][value="people"]').click()
    assert not _visible(demo, ".people")
    assert _visible(demo, ".error")
    demo.find_element("css selector", '[name="kind"][value="error"]').click()
    assert not _visible(demo, ".remark")
    assert demo.find_element("id", "status").text == f"0 of {every} remarks"
    for kind in ("people", "error"):
        demo.find_element("css selector", f'[name="kind"][value="{kind}"]').click()
    _choose(demo, "rule", "rcu/bulk-swap")
    rules = {each.get_attribute("data-rules") for each in _visible(demo, ".remark")}
    assert rules == {"rcu/bulk-swap"}
    _choose(demo, "rule", "")
    _choose(demo, "state", "open")
    assert not _visible(demo, ".remark")
    _choose(demo, "state", "addressed")
    assert len(_visible(demo, ".remark")) == 2
    assert _visible(demo, '[role="tab"][aria-selected="true"] .said')[0].text == "2"


def test_evidence_unfolds_and_its_link_goes_to_the_line(demo: Chrome) -> None:
    demo.find_element("link text", "v2.1").click()
    (evidence,) = _visible(demo, ".error .evidence")
    link = evidence.find_element("tag name", "a")
    assert not link.is_displayed()
    evidence.find_element("tag name", "summary").click()
    link.click()
    (row,) = _visible(demo, "pre span:target")
    assert "synchronize_rcu();" in row.text


def test_a_link_to_a_remark_opens_its_tab(demo: Chrome, pages: dict[str, str]) -> None:
    first = demo.execute_script("return document.querySelector('.remark').id")
    demo.get("about:blank")
    demo.get(f"{pages['demo']}#{first}")
    assert demo.switch_to.active_element.get_attribute("id") == first
    assert _visible(demo, f"#{first}")


def test_the_keyboard_can_skip_the_head_and_sees_where_it_is(demo: Chrome) -> None:
    from selenium.webdriver.common.keys import Keys

    _press(demo, Keys.TAB)
    skip = demo.switch_to.active_element
    assert skip.text == "Skip to the patches"
    assert skip.rect["x"] >= 0
    _press(demo, Keys.ENTER)
    assert demo.switch_to.active_element.get_attribute("id") == "main"
    demo.find_element("id", "unfold").send_keys("")
    assert demo.find_element("id", "unfold").value_of_css_property("outline-style") == "solid"


def test_dark_and_light_follow_the_reader(demo: Chrome) -> None:
    body = demo.find_element("tag name", "html")
    light = body.value_of_css_property("background-color")
    _look(demo, "dark")
    assert body.value_of_css_property("background-color") != light


@pytest.mark.parametrize("name", ["demo", "hostile"])
def test_a_phone_shows_everything_without_scrolling_sideways(
    browser: Chrome, pages: dict[str, str], name: str
) -> None:
    _look(browser, width=360, height=780)
    browser.get(pages[name])
    for tab in _visible(browser, '[role="tab"]'):
        tab.click()
        assert browser.execute_script("return document.documentElement.scrollWidth") <= 360
        beyond = "return [...document.querySelectorAll('main *')].filter(e => e.checkVisibility()"
        beyond += " && e.getBoundingClientRect().right > 361).map(e => e.outerHTML.slice(0, 200))"
        assert browser.execute_script(beyond) == []


def test_a_hostile_thread_runs_nothing(browser: Chrome, pages: dict[str, str]) -> None:
    _look(browser)
    _complaints(browser)
    browser.get(pages["hostile"])
    assert "owned" not in [each.text for each in _visible(browser, "h1, h2, h3")]
    assert browser.title.endswith(" - review")
    assert len(_visible(browser, '[role="tab"]')) == 2
    _press(browser, "j")
    assert browser.execute_script("return document.activeElement.matches('.remark')")
    assert _complaints(browser) == []


def test_a_patch_of_10_000_rows_opens_and_finds_its_remark(
    browser: Chrome, pages: dict[str, str]
) -> None:
    _look(browser)
    browser.get(pages["big"])
    took = "const t = performance.getEntriesByType('navigation')[0]; return t.domComplete"
    assert browser.execute_script(took) < 5000
    assert len(_visible(browser, "pre span")) < 200
    _press(browser, "j")
    assert "lock" in browser.switch_to.active_element.text
    browser.find_element("id", "unfold").click()
    assert len(_visible(browser, "pre span.add")) > 10_000


def test_a_page_on_which_nothing_is_said_has_no_filters_and_no_errors(
    browser: Chrome, pages: dict[str, str]
) -> None:
    _look(browser)
    _complaints(browser)
    browser.get(pages["quiet"])
    assert browser.find_element("id", "status").text == "0 remarks"
    assert not _visible(browser, "#filters")
    _press(browser, "j", "k")
    assert _complaints(browser) == []


def test_without_script_all_revisions_are_shown(pages: dict[str, str], tmp_path: Path) -> None:
    driver = _started(str(tmp_path / "profile"), script=False)
    try:
        driver.get(pages["demo"])
        shown = [each.is_displayed() for each in driver.find_elements("class name", "revision")]
        assert shown == [True] * 4
        assert not driver.find_element("id", "filters").is_displayed()
        assert not driver.find_element("id", "moves").is_displayed()
        driver.find_element("css selector", "#tabs a").click()
        assert driver.current_url.endswith("#r1")
    finally:
        driver.quit()


@pytest.mark.skipif(not HAS_AXE, reason="axe-core-python is not installed")
@pytest.mark.parametrize(
    ("name", "width", "scheme"),
    [("demo", 1200, "light"), ("demo", 360, "dark"), ("hostile", 1200, "dark")],
)
def test_no_serious_fault_of_accessibility(
    browser: Chrome, pages: dict[str, str], name: str, width: int, scheme: str
) -> None:
    _look(browser, scheme, width)
    browser.get("about:blank")
    browser.get(pages[name])
    browser.execute_script((files("axe_core_python") / "axe.min.js").read_text(encoding="utf-8"))
    for tab in _visible(browser, '[role="tab"]'):
        tab.click()
        browser.execute_script("document.querySelectorAll('details').forEach(d => d.open = true)")
        assert browser.execute_async_script(AXE) == []
