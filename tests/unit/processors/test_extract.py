import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marsad.arabic.charset import decode
from processors.extract import extract
from producers.parse.charset import declared_charsets

RECORDED = Path(__file__).parents[2] / "recorded" / "pages"
CASES = sorted(path.parent for path in RECORDED.glob("*/page.html"))


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_recorded_page_gives_what_a_reader_sees_in_it(case: Path) -> None:
    expected = json.loads((case / "expected.json").read_text(encoding="utf-8"))
    body = (case / "page.html").read_bytes()
    found = extract(decode(body, declared_charsets(body, ""))[0])
    assert found.text.split("\n") == expected.pop("paragraphs")
    stated = {name: getattr(found, {"published": "published_raw"}.get(name, name)) for name in expected}
    assert stated == expected
    assert found.problems == ()


def test_there_are_pages_in_at_least_sixteen_layouts() -> None:
    assert len(CASES) >= 16


@pytest.mark.parametrize(
    ("page", "problem"),
    [
        ("", "empty page"),
        ("\0" * 10_000, "empty page"),
        ("<div>" * 100_000 + "نص", "tags nested deeper than 200"),
        ("<p " + " ".join(f"a{n}" for n in range(100_000)) + ">نص", "tags with thousands of attributes: not read"),
        ("<p>كلمة " * 200_000, "page with more than 150000 tags cut"),
        ("<p>" + "كلمة " * 2_000_000, "page of 10000003 characters cut at 5000000"),
        ("<ul>" + "<li><a href=x>خبر</a>" * 100, "no article text found on the page"),
    ],
    ids=["empty", "zero bytes", "deep", "attributes", "tags", "long", "links only"],
)
def test_a_hostile_page_ends_in_a_problem_and_not_in_an_error(page: str, problem: str) -> None:
    assert problem in extract(page).problems


@pytest.mark.parametrize(
    "page",
    [
        "\ufdfa" * 5_000,
        "\u064b" * 5_000,
        "<p>\ud800\udc00 \udfff نص",
        "<!--" * 1_000,
        "<![CDATA[" * 1_000,
        "&amp;" * 1_000,
    ],
    ids=["ligatures", "marks", "surrogates", "comments", "cdata", "entities"],
)
def test_odd_characters_are_read_without_an_error_and_can_be_written_as_utf8(page: str) -> None:
    extract(page).text.encode("utf-8")


@given(st.text(alphabet=st.sampled_from(list("<>/=\"' pdivabscriptul&;#نصخبر\ud800\0\u200f")), max_size=300))
def test_no_markup_raises(page: str) -> None:
    extract(page).text.encode("utf-8")


def test_paragraphs_right_below_the_body_are_an_article() -> None:
    paragraphs = [
        f"هذه فقرة طويلة بما يكفي لتكون نصا لا عنوانا، وهي الفقرة رقم {number} من عشر." for number in range(10)
    ]
    page = "<html><body><h1>عنوان</h1>" + "".join(f"<p>{each}</p>" for each in paragraphs) + "</body></html>"
    assert extract(page).text.split("\n") == paragraphs


def test_broken_json_ld_is_passed_over() -> None:
    page = (
        '<script type="application/ld+json">{"@type":"NewsArticle","headline":</script><h1>عنوان الصفحة</h1><p>نص</p>'
    )
    assert extract(page).title == "عنوان الصفحة"


def test_a_date_of_another_article_in_a_list_is_not_the_pages() -> None:
    page = "<body><ul><li><span class=date>2020-01-01</span></li></ul><div class=date>2021-05-06</div><p>نص</p></body>"
    assert extract(page).published_raw == "2021-05-06"


def test_sentences_full_of_links_stay_and_links_alone_do_not() -> None:
    page = (
        '<h1>خبر</h1><div class="article-body"><p>'
        + "نص طويل من الخبر الأول في هذا اليوم من الأسبوع. " * 6
        + '</p><p>وتقول <a href="/1">الهيئة العامة للمياه</a> إن <a href="/2">السدود الأربعة في الشمال</a> امتلأت هذا العام.</p>'
        + '<p><a href="/3">السدود الأربعة في الشمال تمتلئ للمرة الأولى منذ عشر سنوات</a></p></div>'
    )
    assert [line[:12] for line in extract(page).text.split("\n")] == ["نص طويل من ا", "وتقول الهيئة"]


def test_a_standfirst_that_the_body_repeats_stands_once() -> None:
    lead = "أعلنت هيئة الموانئ ارتفاع حركة الحاويات بنسبة ثمانية في المئة خلال الربع الأول من هذا العام."
    body = f"<p>{lead}</p><p>{'وعزت الهيئة الارتفاع إلى تشغيل الرصيف السابع. ' * 6}</p>"
    page = f'<h1>خبر</h1><p class="lead">{lead}</p><div class="article-body">{body}</div>'
    assert extract(page).text.count(lead) == 1


@pytest.mark.parametrize(
    "name", ["hidden", "d-none", "InlineVideo photo-credit", "RelatedContent-header", "prev_next_text"]
)
def test_what_is_hidden_or_leads_elsewhere_is_no_text(name: str) -> None:
    text = "نص طويل من الخبر الأول في هذا اليوم من الأسبوع. " * 6
    page = f'<h1>خبر</h1><div class="article-body"><p>{text}</p><div class="{name}">سجل الآن لتقرأ المزيد من المقالات</div></div>'
    assert extract(page).text == text.strip()


@pytest.mark.parametrize(
    ("below", "date"),
    [
        ("<div>الثلاثاء 15 كانون الثاني 2008</div>", "الثلاثاء 15 كانون الثاني 2008"),
        ("<b>بيروت</b><br>12/3/2011 - 10:35", "12/3/2011 - 10:35"),
        ("<div>ضمن خطة 2030 للتنمية</div>", ""),
        (f"<p>{'نص طويل من الخبر الأول في هذا اليوم. ' * 4}</p><div>12/3/2011</div>", ""),
    ],
)
def test_a_date_that_nothing_names_is_found_below_the_heading_alone(below: str, date: str) -> None:
    assert extract(f"<body><i>1/1/2001</i><h1>خبر</h1>{below}<p>نص</p></body>").published_raw == date


def test_the_name_of_the_site_in_a_heading_brings_no_standfirst() -> None:
    text = "نص طويل من الخبر الأول في هذا اليوم من الأسبوع. " * 6
    motto = "صحيفة يومية مستقلة تصدر من العاصمة وتعنى بشؤون الموانئ والتجارة"
    page = f"<head><title>ارتفاع حركة الحاويات</title></head><h1>الأفق</h1><p>{motto}</p><div class=article-body><p>{text}</p></div>"
    assert extract(page).text == text.strip()


@pytest.mark.parametrize(
    ("written", "image"),
    [
        ("/u/1.jpg", "https://news.example/u/1.jpg"),
        ("//images.example/1.jpg", "https://images.example/1.jpg"),
        ("https://images.example/1.jpg", "https://images.example/1.jpg"),
        ("http://[", "http://["),
    ],
)
def test_an_image_is_known_by_its_whole_address(written: str, image: str) -> None:
    page = f'<html><head><meta property="og:image" content="{written}"></head><body><p>نص</p></body></html>'

    assert extract(page, "https://news.example/a/1").image == image
