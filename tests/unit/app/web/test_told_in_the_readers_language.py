"""Pages tell in the reader's language what went wrong with stages and with articles' pages."""

import dataclasses

import httpx
import pytest
from lxml import html

from marsad.testing.factories import a_feed, an_entry
from marsad.testing.fakes import InMemoryStore
from marsad_app.web.app import create_app
from marsad_app.web.explaining import explain, parts_of
from marsad_app.web.testing import services_over
from processors.clean import clean
from processors.extract import extract
from processors.html_text import read_fragment


@pytest.mark.parametrize(
    "page",
    [
        "", "\0", "<p>قصير</p>", f"<p {'a=1 ' * 60_000}>", "<i>" * 400 + "نص" + "</i>" * 400, "<p>نص</p>" * 120_000,
        "<p>" + "ب " * 2_600_000,
    ],
)  # fmt: skip
def test_what_a_page_lacks_is_told_in_arabic(page: str) -> None:
    problems = [*extract(page, "https://news.example/1").problems, *read_fragment(page)[1]]

    assert all(explain(problem, "ar")[1] == "ar" for problem in problems), problems
    assert all(part.text.isdecimal() for part in parts_of("; ".join(problems), "ar") if part.quoted and part.text)


async def test_an_article_tells_in_arabic_why_its_text_is_not_whole(
    client: httpx.AsyncClient, store: InMemoryStore
) -> None:
    entry = an_entry(content_html="", page_html="", summary_html="<p>خبر قصير</p>")
    article = clean(entry, a_feed(full_text=False))
    store.articles.put_articles([article])

    told = html.fromstring((await client.get(f"/articles/{article.article_id}?lang=ar")).content).text_content()

    assert article.partial == "the feed gives only a summary"
    assert "لا تعطي الخلاصة إلا موجزا" in told
    assert article.partial not in told
    assert article.partial in (await client.get(f"/articles/{article.article_id}?lang=en")).text


@pytest.mark.parametrize(
    ("sentence", "told"),
    [
        ("feed 5ab: KeyError: 'x'", "الخلاصة 5ab: خلل لم يُتوقع: KeyError: 'x'"),
        ("feed 5ab: not stored: /data/marsad.db: closed, since the program is ending", "لم تُخزَّن حال الخلاصة 5ab: "),
        ("the feed list cannot be read: no broker answers at k:9092: start it, or set kafka.bootstrap to where it is", "لا يجيب خادم Kafka"),
        ("the streams were not read yet", "لم تُقرأ الدفوق بعد"),
    ],
)  # fmt: skip
def test_what_stops_a_stage_is_told_in_arabic(sentence: str, told: str) -> None:
    assert told in explain(sentence, "ar")[0]


async def test_stages_in_trouble_are_told_in_the_language_of_the_page(store: InMemoryStore) -> None:
    failures = {"process": "StopIteration: ", "poll": "feed 5ab: KeyError: 'x'", "kafka": "something new"}
    services = dataclasses.replace(services_over(store), status=lambda: {"failures": failures, "waiting": {"match": 3}})
    transport = httpx.ASGITransport(create_app(services))
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8080") as made:
        arabic, english = [html.fromstring((await made.get(f"/status?lang={each}")).content) for each in ("ar", "en")]

    assert [line.text_content() for line in arabic.xpath("//*[@role='alert']//li")] == [
        "المعالجة: خلل لم يُتوقع: StopIteration: ",
        "الاستطلاع: الخلاصة 5ab: خلل لم يُتوقع: KeyError: 'x'",
        "kafka: something new",
    ]
    assert "المطابقة" in arabic.text_content()
    assert [line.text_content() for line in english.xpath("//*[@role='alert']//li")] == [
        f"{name}: {sentence}" for name, sentence in failures.items()
    ]
