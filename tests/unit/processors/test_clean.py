from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from marsad.errors import PoisonError
from marsad.records import Article, Enclosure, Entry, Feed, decode, encode
from processors.clean import clean, clean_fields, language_of
from processors.extract import Extracted

SEEN = datetime(2024, 5, 12, 12, 0, tzinfo=UTC)
FEED = Feed(
    id="f", url="https://alofoq.example/rss", title="الأفق - سياسة", outlet="وكالة الأفق", country="SA", section="سياسة"
)
TEXT = "وقع وزيرا الدفاع في العاصمة أمس اتفاقا للتعاون العسكري يشمل التدريب وتبادل الخبرات."
MORE = "ويتيح الاتفاق لثلاثين ضابطا في السنة الدراسة في الكلية البحرية، كما ينص على مناورة كل عامين."


def entry(**fields: Any) -> Entry:
    base = Entry(
        entry_id="e", article_id="a", feed_id="f", url="https://alofoq.example/1", guid="g", title="اتفاق عسكري جديد",
        summary_html=TEXT, first_seen_at=SEEN, fetched_at=SEEN,
    )  # fmt: skip
    return msgspec.structs.replace(base, **fields)


def test_content_comes_before_the_summary() -> None:
    article = clean(entry(content_html=f"<p>{TEXT}</p><p>{MORE}</p>"), FEED)
    assert article.text == f"{TEXT}\n{MORE}"
    assert article.partial == ""


def test_text_under_too_many_tags_is_read_without_them_and_says_why() -> None:
    article = clean(entry(summary_html="", content_html=f"{'<div>' * 5_000}{TEXT}{'</div>' * 5_000}"), FEED)
    assert (article.text, article.partial) == (TEXT, "tags nested deeper than 200")


def test_a_text_past_the_limit_is_cut_and_says_so() -> None:
    article = clean(entry(content_html=f"{TEXT} " * 10_000), FEED)
    assert len(article.text) == 500_000
    assert article.partial == f"text of {len(TEXT) * 10_000 + 9_999} characters cut at 500000"


def test_a_million_vowel_marks_are_no_text_to_wait_for() -> None:
    article = clean(entry(content_html="<p>" + "\u064b\u0651" * 1_000_000 + "</p>"), FEED)
    assert article.title == "اتفاق عسكري جديد"


def test_the_page_comes_before_the_feeds_own_text() -> None:
    page = (
        f"<html><body><article><h1>اتفاق عسكري جديد</h1><p>{TEXT}</p><p>{MORE}</p><p>{MORE}</p></article></body></html>"
    )
    assert clean(entry(page_html=page), FEED).text == f"{TEXT}\n{MORE}\n{MORE}"


def test_a_bot_wall_instead_of_the_page_leaves_the_feeds_text_and_says_so() -> None:
    article = clean(
        entry(page_html="<html><title>Just a moment...</title><body>Checking your browser</body></html>"), FEED
    )
    assert (article.text, article.partial) == (TEXT, "little text on the page")


def test_a_page_that_could_not_be_had_is_the_reason_why_the_text_is_partial() -> None:
    assert clean(entry(page_problem="HTTP 503"), FEED).partial == "HTTP 503"


def test_a_summary_alone_is_partial_unless_the_feed_gives_whole_texts() -> None:
    assert clean(entry(), FEED).partial == "the feed gives only a summary"
    assert clean(entry(), msgspec.structs.replace(FEED, full_text=True)).partial == ""


def test_a_page_read_elsewhere_is_not_read_again() -> None:
    page = Extracted(text=f"{TEXT}\n{MORE}", author="ليلى عمران", section="أخبار", image="https://alofoq.example/i.jpg")
    article = clean(entry(page_html="<p>نص آخر"), FEED, page=page)
    assert (article.text, article.authors, article.sections) == (page.text, ("ليلى عمران",), ("سياسة", "أخبار"))
    assert article.image == page.image


def test_title_loses_markup_entities_and_the_outlets_name() -> None:
    article = clean(entry(title="&quot;قمة&quot; <b>الدفاع</b> تبدأ اليوم - وكالة الأفق"), FEED)
    assert article.title == '"قمة" الدفاع تبدأ اليوم'


def test_scripts_styles_and_hidden_parts_are_no_text() -> None:
    html = (
        f'<style>p{{}}</style><p>{TEXT}</p><script>var a="نص"</script><p hidden>خفي</p><p style="display:none">خفي</p>'
    )
    assert clean(entry(content_html=html, summary_html=""), FEED).text == TEXT


def test_the_lead_is_the_summary_where_it_says_something_of_its_own() -> None:
    own = "تفاصيل الاتفاق الذي وقعه الوزيران بعد مفاوضات دامت عامين."
    content = f"<p>{TEXT}</p><p>{MORE}</p>"
    assert clean(entry(summary_html=own, content_html=content), FEED).lead == own
    assert clean(entry(summary_html=TEXT[:50] + "…", content_html=content), FEED).lead == TEXT


def test_a_lead_is_cut_at_the_end_of_a_sentence() -> None:
    article = clean(entry(summary_html="", content_html=f"<p>{' '.join([TEXT, MORE] * 5)}</p>"), FEED)
    assert len(article.lead) <= 500
    assert article.lead.endswith(".")


def test_an_entry_without_a_word_is_poison() -> None:
    with pytest.raises(PoisonError, match="no text"):
        clean(entry(title=" ", summary_html="<p>&nbsp;</p>"), FEED)


def test_a_title_alone_is_an_article() -> None:
    assert clean(entry(summary_html=""), FEED).title == "اتفاق عسكري جديد"


def test_what_the_entry_knows_is_kept() -> None:
    article = clean(
        entry(
            guids=("g", "g#2"),
            categories=("دفاع", "سياسة"),
            authors=("سامر ناصيف",),
            enclosures=(
                Enclosure("https://alofoq.example/a.mp3", "audio/mpeg"),
                Enclosure("https://alofoq.example/i.png", "image/png"),
            ),
            published_raw="2024-05-12T09:00:00Z",
            updated_raw="2024-05-12T11:00:00Z",
            url="https://alofoq.example/1?utm_source=rss",
            revision=3,
        ),
        FEED,
    )
    assert article.guids == ("g", "g#2")
    assert article.sections == ("سياسة", "دفاع")
    assert article.authors == ("سامر ناصيف",)
    assert article.image == "https://alofoq.example/i.png"
    assert article.url == "https://alofoq.example/1"
    assert (article.published_at.hour, article.updated_at and article.updated_at.hour, article.revision) == (9, 11, 3)
    assert (article.outlet, article.outlet_country, article.feed_ids) == ("وكالة الأفق", "SA", ("f",))


@pytest.mark.parametrize(
    ("text", "language"),
    [
        (TEXT, "ar"),
        ("وزیر دفاع در نشست خبری گفت که این توافق برای هر دو کشور مهم است", "fa"),
        ("The minister said the agreement would be signed next week in the capital.", "en"),
        ("Le ministre a déclaré que l'accord serait signé la semaine prochaine.", "fr"),
        ("2024 - 15%", ""),
    ],
)
def test_the_language_is_the_texts_own(text: str, language: str) -> None:
    assert language_of(text) == language


WORDS = st.text(alphabet=st.sampled_from(list("<>/p&;ampنصخبر \n\u200f\u0640\ud800\0.…[]")), max_size=120)


@given(WORDS, WORDS, WORDS, st.text(max_size=30))
def test_any_entry_gives_an_article_that_can_be_stored_or_is_poison(
    title: str, summary: str, page: str, date: str
) -> None:
    try:
        article = clean(entry(title=title, summary_html=summary, page_html=page, published_raw=date), FEED)
    except PoisonError:
        return
    assert decode(Article, encode(article)) == article


@given(WORDS, WORDS, WORDS)
def test_clean_words_stay_as_they_are_when_cleaned_again(title: str, text: str, lead: str) -> None:
    try:
        once = clean(entry(title=title, content_html=text, summary_html=lead), FEED)
    except PoisonError:
        return
    again = clean_fields(once.title, once.text)
    assert (again.title, again.text) == (once.title, once.text)
