"""What of an article that means harm reaches the reader's browser: its words, as paragraphs."""

from collections.abc import Callable

import httpx
import pytest
from lxml import html

from marsad.config import WebSettings
from marsad.records import Article
from marsad.testing.desk import a_desk
from marsad.testing.factories import a_feed, an_article, an_entry
from marsad.testing.fakes import InMemoryStore
from marsad_app.web.reasons import date_problem_in
from marsad_app.web.texts import Texts
from processors.clean import clean

FIRST = "أعلنت الوزارة صباح اليوم نتائج اجتماع اللجنة المشتركة في العاصمة."
SECOND = "وقالت إن الاجتماع المقبل سيعقد في الخريف بحضور وفود من عشرين بلدا."
HOSTILE = f"""
<p onclick="steal()" style="background:url(https://evil.example/x)">{FIRST}</p>
<script>steal()</script><style>@import 'https://evil.example/s'</style>
<img src="https://evil.example/pixel.gif" onerror="steal()"><svg onload="steal()"><script>steal()</script></svg>
<iframe src="https://evil.example"></iframe><object data="data:text/html,x"></object><math><mi xlink:href="javascript:steal()">x</mi></math>
<a href="javascript:steal()">رابط</a><form action="https://evil.example"><input name="token"></form>
<p>&lt;img src=x onerror=steal()&gt; {SECOND}</p>
"""

ClientFor = Callable[[InMemoryStore, WebSettings], httpx.AsyncClient]


def hostile_articles() -> list[Article]:
    entry = an_entry(title="<b onclick=steal()>نتائج</b> الاجتماع", summary_html="", content_html=HOSTILE)
    page = f"<html><body><article><h1>نتائج الاجتماع</h1>{HOSTILE}</article></body></html>"
    return [
        clean(entry, a_feed()),
        clean(an_entry(title="", summary_html="", content_html="", page_html=page), a_feed()),
    ]


async def shown(client: httpx.AsyncClient, store: InMemoryStore, article: Article) -> html.HtmlElement:
    store.articles.put_articles([article])
    return html.fromstring((await client.get(f"/articles/{article.article_id}")).content)


@pytest.mark.parametrize("article", hostile_articles())
async def test_its_words_come_as_paragraphs_and_nothing_of_its_markup(client_for: ClientFor, article: Article) -> None:
    store = a_desk()
    async with client_for(store, WebSettings()) as client:
        root = await shown(client, store, article)

    paragraphs = [each.text_content() for each in root.xpath("//div[@class='body']/p")]
    assert paragraphs[0] == FIRST
    assert any(each.endswith(SECOND) for each in paragraphs)
    read = root.xpath("//article//*")
    assert {each.tag for each in read} & {"script", "style", "svg", "math", "img", "iframe", "object", "form"} == set()
    names = {name for each in read for name in each.attrib}
    assert not [name for name in names if name.startswith("on") or name == "style"]
    assert not [link for link in root.xpath("//article//@href") if link.startswith(("javascript:", "data:"))]
    assert "steal" not in " ".join(paragraphs).replace("<img src=x onerror=steal()>", "")


async def test_pictures_are_loaded_only_where_that_is_allowed(client_for: ClientFor) -> None:
    store, article = a_desk(), an_article(image="https://images.example/1.jpg")
    async with client_for(store, WebSettings()) as client:
        assert (await shown(client, store, article)).xpath("//article//img") == []
    async with client_for(store, WebSettings(images=True)) as client:
        (picture,) = (await shown(client, store, article)).xpath("//article//img")
        policy = (await client.get("/")).headers["content-security-policy"]

    assert (picture.get("src"), picture.get("referrerpolicy")) == (article.image, "no-referrer")
    assert "img-src 'self' https: http:" in policy
    assert "script-src 'self';" in policy


@pytest.mark.parametrize(
    "address", ["javascript:steal()", "data:image/svg+xml,<svg onload=steal()>", "//evil.example/1.gif", "http://[", ""]
)
async def test_what_is_no_web_address_is_no_picture(client_for: ClientFor, address: str) -> None:
    store, article = a_desk(), an_article(image=address)
    async with client_for(store, WebSettings(images=True)) as client:
        assert (await shown(client, store, article)).xpath("//article//img") == []


async def test_the_page_tells_how_the_date_was_written_and_what_is_wrong_with_it(client_for: ClientFor) -> None:
    store = a_desk()
    article = an_article(published_precision="seen", published_raw="1 Jan 1970", date_problem="zero date")
    async with client_for(store, WebSettings()) as client:
        words = " ".join((await shown(client, store, article)).xpath("//aside")[0].text_content().split())

    assert "تاريخ الخلاصة صفر" in words
    assert "1 Jan 1970" in words
    assert "وقت أول رصد" in words


@pytest.mark.parametrize(
    ("problem", "arabic"),
    [
        ("missing", "الخلاصة لا تذكر تاريخا"),
        ("missing: the page's date is used", "الخلاصة لا تذكر تاريخا؛ أُخذ بتاريخ الصفحة"),
        ("future (2031-01-01): the page's date is used", "تاريخ الخلاصة في المستقبل (2031-01-01)؛ أُخذ بتاريخ الصفحة"),
        ("always now", "كل مواد الخلاصة تحمل وقت طلبها"),
        ("before there were feeds", "تاريخ الخلاصة أقدم من الخلاصات نفسها"),
        ("something else", "something else"),
        ("", ""),
    ],
)
def test_what_is_wrong_with_a_date_is_said_in_arabic(problem: str, arabic: str) -> None:
    texts = Texts("ar", an_article().published_at, None)

    assert date_problem_in(problem, texts) == arabic
