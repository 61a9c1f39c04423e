"""A reader's way through the pages, in a real browser: search, facet, article, evidence, subscription, alert, Atom feed."""

import shutil
import socket
import threading
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import feedparser
import pytest
import uvicorn
from selenium import webdriver
from selenium.webdriver.chrome.options import Options
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.remote.webdriver import WebDriver
from selenium.webdriver.support.ui import WebDriverWait

from marsad.records import Trigger
from marsad.testing.desk import PORT_CALL, a_desk
from marsad.testing.factories import an_alert
from marsad.testing.fakes import InMemoryStore
from marsad_app.web.app import create_app
from marsad_app.web.testing import services_over

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
DRIVER = shutil.which("chromedriver")

pytestmark = [
    pytest.mark.browser,
    pytest.mark.timeout(300),
    pytest.mark.skipif(
        not (CHROMIUM and DRIVER), reason="needs chromium and chromedriver: apt-get install chromium chromium-driver"
    ),
]
FLAGS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
WAIT_S = 20
LANGUAGES = ["ar", "en"]


class _Server(uvicorn.Server):
    def run_in_thread(self, listener: socket.socket) -> threading.Thread:
        thread = threading.Thread(target=self.run, kwargs={"sockets": [listener]}, daemon=True)
        thread.start()
        return thread


@pytest.fixture
def store() -> InMemoryStore:
    return a_desk()


@pytest.fixture
def address(store: InMemoryStore) -> Iterator[str]:
    listener = socket.create_server(("127.0.0.1", 0))
    config = uvicorn.Config(create_app(services_over(store)), log_config=None, lifespan="off")
    server = _Server(config)
    thread = server.run_in_thread(listener)
    yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    server.should_exit = True
    thread.join(WAIT_S)
    listener.close()


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WebDriver]:
    options = Options()
    options.binary_location = str(CHROMIUM)
    profile: Path = tmp_path_factory.mktemp("profile")
    for flag in (*FLAGS, f"--user-data-dir={profile}"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    driver = webdriver.Chrome(options=options, service=Service(str(DRIVER)))
    yield driver
    driver.quit()


class Reader:
    """A person at the browser."""

    def __init__(self, browser: WebDriver, address: str) -> None:
        self.browser = browser
        self.address = address

    def opens(self, path: str) -> None:
        self.browser.get(self.address + path)

    def clicks(self, selector: str) -> None:
        """Click, and wait until the page or the part around it has changed."""
        element = self._find(selector)
        before = next(iter(self.browser.find_elements(By.ID, "live")), None) or self._find("main")
        self.browser.execute_script("arguments[0].scrollIntoView({block: 'center'})", element)
        element.click()
        WebDriverWait(self.browser, WAIT_S).until(lambda _: _gone(before))
        WebDriverWait(self.browser, WAIT_S).until(
            lambda driver: driver.execute_script("return document.readyState") == "complete"
        )

    def _find(self, selector: str):  # noqa: ANN202  # selenium's own type
        return WebDriverWait(self.browser, WAIT_S).until(lambda driver: driver.find_element(By.CSS_SELECTOR, selector))

    def reads(self, selector: str) -> list[str]:
        return [element.text for element in self.browser.find_elements(By.CSS_SELECTOR, selector)]

    def value(self, selector: str, name: str) -> str:
        return str(self._find(selector).get_dom_attribute(name))

    def types(self, selector: str, text: str) -> None:
        element = self._find(selector)
        element.clear()
        element.send_keys(text)

    def width_fits(self) -> bool:
        return bool(self.browser.execute_script("return document.documentElement.scrollWidth <= window.innerWidth"))

    def complaints(self) -> list[str]:
        """What the browser wrote to its console, such as breaches of the content security policy."""
        return [entry["message"] for entry in self.browser.get_log("browser")]


def _gone(element) -> bool:  # noqa: ANN001  # selenium's own type
    try:
        element.is_enabled()
    except Exception:  # noqa: BLE001  # a stale element raises one of several errors, all of which mean that it is gone
        return True
    return False


@pytest.fixture
def reader(browser: WebDriver, address: str) -> Reader:
    browser.execute_cdp_cmd("Network.clearBrowserCookies", {})
    browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
    browser.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": False})
    browser.set_window_size(1280, 900)
    browser.get_log("browser")
    return Reader(browser, address)


def _walk(reader: Reader, store: InMemoryStore, language: str) -> None:
    reader.opens(f"/?lang={language}")
    assert reader.value("html", "dir") == ("rtl" if language == "ar" else "ltr")
    reader.types("#q", "الجزائر")
    reader.clicks(".searchbox button")
    assert len(reader.reads(".hits > li")) == 3
    assert set(reader.reads(".hits mark")) <= {"الجزائر", "الجزائرية"}

    reader.clicks(".facets a[href*='topic=defense-cooperation']")
    assert len(reader.reads(".hits > li")) == 2
    assert len(reader.reads(".chips a")) == 2
    reader.clicks(".facets a[href*='country=RU']")
    assert "country=RU" in reader.browser.current_url

    reader.clicks(f".hits a[href='/articles/{PORT_CALL}']")
    assert "KILDIN SSV-512" in reader.reads(".body")[0]
    reader.clicks(".legend a[href*='show=military-exercise']")
    assert reader.reads(".body mark") == ["مناورات مشتركة"]
    assert reader.reads(".evidence details[open] tbody tr td:first-child") == ["مناورات مشتركة"]

    reader.opens("/?q=الجزائر&topic=defense-cooperation")
    reader.clicks(".actions a[href^='/subscriptions/new']")
    reader.types("#name", "متابعة الجزائر")
    reader.clicks(".buttons button.primary")
    assert reader.reads("h1") == ["متابعة الجزائر"]
    assert reader.reads(".notice")
    (made,) = (one for one in store.subscriptions.subscriptions() if one.name == "متابعة الجزائر")
    assert made.query == "الجزائر AND topic:defense-cooperation"
    assert made.language == language

    store.alerts.record_alerts(
        [an_alert(alert_id="seen", subscription_id=made.id, article_id=PORT_CALL, reason=Trigger.NEW_STORY)], []
    )
    reader.opens(f"/subscriptions/{made.id}")
    assert reader.reads(".hits h3") == ["مباحثات عسكرية بين البلدين"]
    feed = reader.value("#atom", "href")
    with urllib.request.urlopen(reader.address + feed, timeout=WAIT_S) as answer:
        parsed = feedparser.parse(answer.read())
    assert not parsed.bozo
    assert [entry.id for entry in parsed.entries] == ["urn:marsad:alert:seen"]


@pytest.mark.parametrize("language", LANGUAGES)
def test_from_a_search_to_an_atom_feed_of_its_alerts(reader: Reader, store: InMemoryStore, language: str) -> None:
    _walk(reader, store, language)

    assert reader.complaints() == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_same_way_without_javascript(reader: Reader, store: InMemoryStore, language: str) -> None:
    reader.browser.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": True})

    _walk(reader, store, language)


def test_a_facet_is_swapped_in_without_loading_the_page(reader: Reader) -> None:
    reader.opens("/?q=الجزائر")
    reader.browser.execute_script("window.stillHere = true")
    reader.clicks(".facets a[href*='topic=sanctions']")

    assert reader.browser.execute_script("return window.stillHere") is True
    assert "topic=sanctions" in reader.browser.current_url
    assert len(reader.reads(".hits > li")) == 1
    assert "topic=sanctions" in reader.value("a.language", "href")
    reader.browser.back()
    WebDriverWait(reader.browser, WAIT_S).until(lambda _: len(reader.reads(".hits > li")) == 3)


def test_a_query_fault_is_shown_in_place(reader: Reader) -> None:
    reader.opens("/?q=الجزائر")
    reader.types("#q", "روسيا AND (مصر")
    reader.clicks(".searchbox button")

    assert reader.reads("[role=alert] mark") == ["("]


def test_keys_lead_to_the_search_and_through_the_results(reader: Reader) -> None:
    reader.opens("/?q=الجزائر")
    body = reader.browser.find_element(By.TAG_NAME, "body")
    body.send_keys("j")
    body.send_keys("j")
    assert reader.browser.switch_to.active_element.get_dom_attribute("href") == reader.browser.find_elements(
        By.CSS_SELECTOR, ".hit h3 a"
    )[1].get_dom_attribute("href")
    body.send_keys("/")
    assert reader.browser.switch_to.active_element.get_dom_attribute("id") == "q"


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize(
    "page",
    [
        "/?q=الجزائر",
        f"/articles/{PORT_CALL}",
        "/stories",
        "/stories/port-call",
        "/subscriptions",
        "/subscriptions/subscription-1",
        "/subscriptions/new?q=topic:energy",
        "/feeds",
        "/feeds/feed-1",
        "/quarantine",
        "/quarantine/q2",
        "/status",
        "/api",
        "/login",
    ],
)
def test_a_page_fits_a_phone_without_scrolling_sideways(reader: Reader, page: str, language: str) -> None:
    phone = {"width": 375, "height": 812, "deviceScaleFactor": 2, "mobile": True}
    reader.browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", phone)
    reader.opens(f"{page}{'&' if '?' in page else '?'}lang={language}")

    assert reader.width_fits()
    assert reader.complaints() == []
