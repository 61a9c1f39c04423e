from typing import Any

import pytest

from marsad.errors import PoisonError
from processors.pipe import PipeExtractor, PipeGrouper, pipe_analyze, pipe_clean, pipe_dates


def test_extract_reads_a_page() -> None:
    html = (
        '<html lang="ar"><head><meta property="article:published_time" content="2024-05-12T10:00:00+03:00">'
        '<meta property="og:image" content="https://alofoq.example/i.jpg"></head><body><h1>اتفاق جديد</h1>'
        "<p>وقع وزيرا الدفاع في العاصمة أمس اتفاقا للتعاون العسكري يشمل التدريب.</p></body></html>"
    )
    assert PipeExtractor()({"id": 7, "url": "https://alofoq.example/1", "html": html}) == {
        "id": 7,
        "title": "اتفاق جديد",
        "text": "وقع وزيرا الدفاع في العاصمة أمس اتفاقا للتعاون العسكري يشمل التدريب.",
        "published": "2024-05-12T07:00:00Z",
        "author": "",
        "section": "",
        "language": "ar",
        "image": "https://alofoq.example/i.jpg",
        "problems": [],
    }


def test_clean_gives_readers_text_and_the_date_in_utc() -> None:
    record = {
        "id": "a",
        "title": "الأمـريكيون &quot;يدرسون&quot; الاتفاق",
        "text": "<p>قال الوزير إن الاتفاق يحتاج إلى وقت.</p><p>شارك هذا المقال</p>",
        "published": "12 أيار/مايو 2024 10:00",
        "country": "LB",
    }
    assert pipe_clean(record) == {
        "id": "a",
        "title": 'الأمريكيون "يدرسون" الاتفاق',
        "lead": "قال الوزير إن الاتفاق يحتاج إلى وقت.",
        "text": "قال الوزير إن الاتفاق يحتاج إلى وقت.",
        "language": "ar",
        "published": "2024-05-12T07:00:00Z",
    }


def test_clean_tells_a_bad_date_and_keeps_the_words() -> None:
    cleaned = pipe_clean({"id": 1, "title": "عنوان", "text": "نص", "published": "قريبا"})
    assert (cleaned["text"], cleaned["published"], cleaned["problems"]) == ("نص", "", ["published: no date in 'قريبا'"])


def test_analyze_points_back_into_the_text() -> None:
    text = "وبالتعاون العسكريّ"
    tokens = pipe_analyze({"id": 1, "text": text})["tokens"]
    assert [token["key"] for token in tokens] == ["وبالتعاون", "العسكري"]
    assert [text[token["start"] : token["end"]] for token in tokens] == text.split()


def test_dates_are_found_with_their_values() -> None:
    found = pipe_dates({"id": 1, "text": "وصل أمس", "now": "2024-05-12T09:00:00Z"})["dates"]
    assert found == [{"text": "أمس", "start": 4, "end": 7, "iso": "2024-05-11", "precision": "day"}]


def test_clean_says_where_markup_hid_or_cut_the_text() -> None:
    nested = pipe_clean({"id": 1, "text": f"{'<div>' * 5_000}نص الخبر"})
    assert (nested["text"], nested["problems"]) == ("نص الخبر", ["text: tags nested deeper than 200"])


def test_a_text_past_the_limit_is_cut_and_says_so() -> None:
    text = "م " * 2_500_001

    tokens = pipe_analyze({"id": 1, "text": text})
    dates = pipe_dates({"id": 1, "text": text, "now": "2024-05-12"})

    assert len(tokens["tokens"]) == 2_500_000
    assert tokens["problems"] == dates["problems"] == ["text of 5000002 characters cut at 5000000"]


def test_group_remembers_from_line_to_line() -> None:
    step = PipeGrouper()
    text = "ضرب زلزال ولاية هاكوري شمالي الجزيرة فجر الاثنين وأصيب عشرات الأشخاص وانقطع التيار عن آلاف المنازل"
    first = step({"id": 1, "title": "زلزال هاكوري", "text": text, "published": "2024-03-04T08:00:00Z"})
    second = step({"id": 2, "title": "زلزال في هاكوري", "text": text, "published": "Mon, 04 Mar 2024 10:00:00 GMT"})
    assert (first["duplicate_of"], second["duplicate_of"]) == ("", "1")
    assert first["story_id"] == second["story_id"]


@pytest.mark.parametrize(
    ("function", "record", "says"),
    [
        (PipeExtractor(), {"id": 1}, "html: a string is expected, not nothing"),
        (PipeExtractor(), {"html": 5}, "html: a string is expected, not int"),
        (pipe_clean, {"title": "", "text": "\u064b"[:0]}, "no text"),
        (pipe_clean, {"title": ["a"], "text": "نص"}, "title: a string is expected, not list"),
        (pipe_analyze, {"id": 1}, "text: a string is expected"),
        (pipe_dates, {"text": "أمس"}, "now: missing"),
        (pipe_dates, {"text": "أمس", "now": "x"}, "now: no date"),
        (PipeGrouper(), {"title": "عنوان", "text": "نص"}, "published: a string is expected"),
        (PipeGrouper(), {"title": "عنوان", "text": "نص", "published": "x"}, "published: no date"),
        (PipeGrouper(), {"title": "", "text": "", "published": "2024-01-01"}, "no text"),
    ],
)
def test_a_bad_record_is_answered_with_a_sentence(function: Any, record: dict[str, Any], says: str) -> None:
    with pytest.raises(PoisonError, match=says):
        function(record)
