"""A person at a real browser, and the desk that is looked at."""

import contextlib
import shutil
import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import uvicorn
from selenium import webdriver
from selenium.common.exceptions import StaleElementReferenceException
from selenium.webdriver.chrome.options import Options
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.remote.webdriver import WebDriver
from selenium.webdriver.support.ui import WebDriverWait

from marsad.testing.desk import a_desk
from marsad.testing.fakes import InMemoryStore
from marsad_app.web.app import create_app
from marsad_app.web.services import Services
from marsad_app.web.testing import services_over

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
DRIVER = shutil.which("chromedriver")
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
WAIT_S = 30


@contextlib.contextmanager
def _served(services: Services) -> Iterator[str]:
    listener = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(create_app(services), log_config=None, lifespan="off"))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    server.should_exit = True
    thread.join(WAIT_S)
    listener.close()


@pytest.fixture
def store() -> InMemoryStore:
    return a_desk()


@pytest.fixture
def services(store: InMemoryStore) -> Services:
    return services_over(store)


@pytest.fixture
def address(services: Services) -> Iterator[str]:
    with _served(services) as url:
        yield url


@pytest.fixture(scope="session")
def downloads(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("downloads")


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory, downloads: Path) -> Iterator[WebDriver]:
    if not (CHROMIUM and DRIVER):
        pytest.skip("needs chromium and chromedriver: apt-get install chromium chromium-driver")
    options = Options()
    options.binary_location = CHROMIUM
    profile: Path = tmp_path_factory.mktemp("profile")
    for flag in (*FLAGS, f"--user-data-dir={profile}"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    driver = webdriver.Chrome(options=options, service=Service(DRIVER))
    driver.execute_cdp_cmd("Browser.setDownloadBehavior", {"behavior": "allow", "downloadPath": str(downloads)})
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
        before = next(iter(self.browser.find_elements(By.ID, "live")), None) or self._find("main")
        self.presses(selector)
        self.waits(lambda: _gone(before))
        self.waits(lambda: self.runs("return document.readyState") == "complete")

    def presses(self, selector: str) -> None:
        """Click and go on at once."""
        element = self._find(selector)
        self.browser.execute_script("arguments[0].scrollIntoView({block: 'center'})", element)
        element.click()

    def waits(self, holds: Callable[[], object]) -> None:
        # What is read while a part is swapped in may be of the part that goes.
        ignored = [StaleElementReferenceException]
        WebDriverWait(self.browser, WAIT_S, ignored_exceptions=ignored).until(lambda _: holds())

    def runs(self, script: str) -> object:
        return self.browser.execute_script(script)

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

    def on_a_phone(self) -> None:
        phone = {"width": 375, "height": 812, "deviceScaleFactor": 2, "mobile": True}
        self.browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", phone)

    def prefers(self, scheme: str) -> None:
        features = [{"name": "prefers-color-scheme", "value": scheme}]
        self.browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})

    def width_fits(self) -> bool:
        # Not window.innerWidth: on a phone that grows with what sticks out.
        return bool(self.runs("const e = document.documentElement; return e.scrollWidth <= e.clientWidth"))

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
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": []})
    browser.set_window_size(1280, 900)
    browser.get_log("browser")
    return Reader(browser, address)
