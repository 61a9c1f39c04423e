"""A reader's way through the pages, in a real browser: search, facet, article, evidence, subscription, alert, Atom feed."""

import urllib.request
from typing import Any

import feedparser
import msgspec
import pytest
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import WebDriverWait

from marsad.records import Trigger
from marsad.testing.desk import PORT_CALL
from marsad.testing.factories import a_quarantined, an_alert
from marsad.testing.fakes import InMemoryStore

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]
WAIT_S = 20
LANGUAGES = ["ar", "en"]


def _walk(reader: Any, store: InMemoryStore, language: str) -> None:
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
    reader.clicks("#subscribe button")
    assert reader.reads("h1")[0].startswith("الجزائر · ")
    assert reader.reads(".notice")
    assert {"ar": "خبران", "en": "2 articles"}[language] in reader.reads("#estimate")[0]
    (made,) = (one for one in store.subscriptions.subscriptions() if "الجزائر" in one.query)
    assert made.query == "الجزائر AND topic:defense-cooperation"
    assert made.language == language
    reader.clicks(".page-head a.button")
    reader.types("#name", "متابعة الجزائر")
    reader.clicks(".buttons button.primary")
    assert reader.reads("h1") == ["متابعة الجزائر"]

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
def test_from_a_search_to_an_atom_feed_of_its_alerts(reader: Any, store: InMemoryStore, language: str) -> None:
    _walk(reader, store, language)

    assert reader.complaints() == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_same_way_without_javascript(reader: Any, store: InMemoryStore, language: str) -> None:
    reader.browser.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": True})

    _walk(reader, store, language)


def test_a_facet_is_swapped_in_without_loading_the_page(reader: Any) -> None:
    reader.opens("/?q=الجزائر")
    reader.browser.execute_script("window.stillHere = true")
    reader.clicks(".facets a[href*='topic=sanctions']")

    assert reader.browser.execute_script("return window.stillHere") is True
    assert "topic=sanctions" in reader.browser.current_url
    assert len(reader.reads(".hits > li")) == 1
    assert "topic=sanctions" in reader.value("a.language", "href")
    reader.browser.back()
    WebDriverWait(reader.browser, WAIT_S).until(lambda _: len(reader.reads(".hits > li")) == 3)


def test_a_query_fault_is_shown_in_place(reader: Any) -> None:
    reader.opens("/?q=الجزائر")
    reader.types("#q", "روسيا AND (مصر")
    reader.clicks(".searchbox button")

    assert reader.reads("[role=alert] mark") == ["("]


def test_keys_lead_to_the_search_and_through_the_results(reader: Any) -> None:
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
        "/topics",
        "/topics/sanctions",
        "/deliveries",
        "/feeds",
        "/feeds/feed-1",
        "/quarantine",
        "/quarantine/q2",
        "/status",
        "/api",
        "/login",
    ],
)
def test_a_page_fits_a_phone_without_scrolling_sideways(reader: Any, page: str, language: str) -> None:
    reader.on_a_phone()
    reader.opens(f"{page}{'&' if '?' in page else '?'}lang={language}")

    assert reader.width_fits()
    assert reader.complaints() == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_long_words_and_open_menus_fit_a_phone(reader: Any, store: InMemoryStore, language: str) -> None:
    one = msgspec.structs.replace(
        store.subscriptions.subscriptions()[0],
        outlets=("webhook:https://hooks.example.org/marsad", "mailto:desk@example.org"),
        lost=("mailto:desk@example.org",),
    )
    store.subscriptions.put_subscription(one)
    refusal = f"document_parsing_exception: [1:4711] failed to parse [{'x' * 90}]"
    store.quarantine.quarantine([a_quarantined(id="long", stage="index", reason=refusal)])
    reader.on_a_phone()

    for page in (f"/subscriptions/{one.id}", "/quarantine/long", "/quarantine"):
        reader.opens(f"{page}?lang={language}")
        assert reader.width_fits(), page
    reader.opens(f"/?q=الجزائر&lang={language}")
    reader.presses(".menu summary")
    assert reader.runs(
        "const r = document.querySelector('.menu div').getBoundingClientRect(); return r.left >= 0 && r.right <= 375"
    )
    assert len(reader.reads(".masthead nav a")) == 8
    assert reader.runs(
        "return [...document.querySelectorAll('.masthead nav a')].every(each => {"
        "const r = each.getBoundingClientRect(); return r.left >= 0 && r.right <= 375})"
    )
