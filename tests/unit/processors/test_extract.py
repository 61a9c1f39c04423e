import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from processors.extract import extract

RECORDED = Path(__file__).parents[2] / "recorded" / "pages"
CASES = sorted(path.parent for path in RECORDED.glob("*/page.html"))


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_recorded_page_gives_what_a_reader_sees_in_it(case: Path) -> None:
    expected = json.loads((case / "expected.json").read_text(encoding="utf-8"))
    found = extract((case / "page.html").read_text(encoding="utf-8"))
    assert found.text.split("\n") == expected.pop("paragraphs")
    stated = {name: getattr(found, {"published": "published_raw"}.get(name, name)) for name in expected}
    assert stated == expected
    assert found.problems == ()


def test_there_are_pages_in_at_least_six_layouts() -> None:
    assert len(CASES) >= 6


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
