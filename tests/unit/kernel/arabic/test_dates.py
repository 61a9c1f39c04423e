from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marsad.arabic import find_dates

RECORDED = Path(__file__).parents[3] / "recorded" / "dates"
NOW = datetime(2023, 9, 14, 12, 0, tzinfo=UTC)


def recorded() -> list[tuple[str, str, str, str]]:
    rows: list[tuple[str, str, str, str]] = []
    for path in sorted(RECORDED.glob("*.tsv")):
        for line in path.read_text(encoding="utf-8").splitlines():
            if line and not line.startswith("#"):
                now, expression, value, text = line.split("\t")
                rows.append((now, expression, value, text))
    return rows


@pytest.mark.parametrize(("now", "expression", "value", "text"), recorded())
def test_a_recorded_expression_means_its_value(now: str, expression: str, value: str, text: str) -> None:
    found = find_dates(text, datetime.fromisoformat(now).replace(tzinfo=UTC))
    start = text.index(expression)

    assert value in [each.iso for each in found if each.start < start + len(expression) and each.end > start]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("ففي أكتوبر/تشرين الأول الماضي أجرى الجانبان تدريبات", [("أكتوبر/تشرين الأول الماضي", "2022-10")]),
        ("في يوليو وأغسطس 2022", [("يوليو", "2023-07"), ("أغسطس 2022", "2022-08")]),
        ("من 26 إلى 28 آذار/مارس الجاري", [("26", "2023-03-26"), ("28 آذار/مارس الجاري", "2023-03-28")]),
        ("ليل السبت والأحد", [("السبت", "2023-09-09"), ("الأحد", "2023-09-10")]),
        ("الثامن من مايو أيار 2018", [("الثامن من مايو أيار 2018", "2018-05-08")]),
        ("بين 2014-2018", [("2014", "2014"), ("2018", "2018")]),
        ("وبلغت في 2021 3 مليارات", [("2021", "2021")]),
        (
            "من الخامس من يناير 2020 والأول من فبراير 2020",
            [("الخامس من يناير 2020", "2020-01-05"), ("الأول من فبراير 2020", "2020-02-01")],
        ),
        (
            "التاسعة صباحا بتوقيت القاهرة 5 يناير 2023",
            [("التاسعة صباحا بتوقيت القاهرة 5 يناير 2023", "2023-01-05T09:00+02:00")],
        ),
        (
            "5 يناير 2020 الساعة 9:00 بتوقيت باريس",
            [("5 يناير 2020 الساعة 9:00 بتوقيت باريس", "2020-01-05T09:00+01:00")],
        ),
        ("بين عامي 2019 و2020 و2021", [("2019", "2019"), ("2020", "2020"), ("2021", "2021")]),
        ("في 14 أكتوبرالساعة 8 صباحا", [("14 أكتوبرالساعة 8 صباحا", "2023-10-14T08:00")]),
    ],
)
def test_dates_come_out_with_the_words_they_are_made_of(text: str, expected: list[tuple[str, str]]) -> None:
    assert [(found.text, found.iso) for found in find_dates(text, NOW)] == expected


@pytest.mark.parametrize(
    "text",
    [
        "مارس الرياضة في النادي منذ صغره",
        "تيريزا ماي ونظيرها في لندن",
        "قال أب لثلاثة أطفال إنه",
        "طرق باب المنزل",
        "لويجي دي مايو زعيم الحركة",
        "رجب طيب أردوغان",
        "فاز 3 - صفر على ضيفه",
        "فاز 2-1 على الأهلي",
        "قتل 2000 شخص في الزلزال",
        "بقيمة 1950 دولارا",
        "ارتفع 2020 نقطة",
        "بنسبة 3.5 بالمئة",
        "جاء أحد الضباط",
        "لم يحضر أحد",
        "جمعة الشوان",
        "اليوم الأول من البطولة",
        "اليوم العالمي للمرأة",
        "صحيفة الغد الأردنية",
        "صحيفة المصري اليوم",
        "قناة روسيا اليوم",
        "بعد يومين من الهجوم",
        "سجل بعد 15 دقيقة من البداية هدفا",
        "الفصل الثاني من الرواية",
        "المادة 12 من الدستور",
        "رقم 2023/15/77",
        "الرابع والعشرون",
        "نسبة 1/2",
        "99/99/9999",
        "32 يناير 2020",
        "30 فبراير 2021",
        "31 نونبر",
        "احتفلت الوزارة عشية اليوم العالمي للمرأة",
        "عثر عليه في صباح اليوم التالي",
        "في اليوم الخامس على التوالي",
        "عاصمة البلاد منذ أكثر من 3000 سنة",
        "وبعد أكثر من خمس سنوات في المنصب",
        "من القرن التاسع عشر إلى الحادي والعشرين.",
        "ارتفع العدد إلى 27.",
        "السلطان محمد الفاتح",
        "جمع تبرعات في اليوم الثاني",
        "قال الوزير قبل عقد القمة",
        "وسجل بعد لحظات هدفا ثانيا",
        "عاد بعد 30 ثانية من البداية",
    ],
)
def test_words_and_numbers_that_are_no_dates_are_left(text: str) -> None:
    assert [
        found for found in find_dates(text, NOW) if found.precision == "day" or "مارس" in text or "ماي" in text
    ] == []


def test_nothing_but_a_year_is_read_from_an_impossible_day() -> None:
    assert {found.precision for found in find_dates("32 يناير 2020", NOW)} <= {"month", "year"}


@pytest.mark.parametrize("now", [datetime(1, 1, 1, tzinfo=UTC), datetime(9999, 12, 31, 23, 59, tzinfo=UTC)])
def test_the_ends_of_the_calendar_stop_nothing(now: datetime) -> None:
    text = "أمس غدا العام الماضي والشهر المقبل قبل 9999 عاما بعد 9999 شهرا الأسبوع المقبل يوم الجمعة 31 يوليو الماضي منذ ساعتين 10 محرم"

    assert isinstance(find_dates(text, now), list)


WORDS = st.lists(
    st.sampled_from(
        [
            "31", "2023", "٢٠", "12:30", "00", "يوليو", "/", "تموز", "الماضي", "أمس", "الأول", "منذ", "ساعتين", "قبل", "عام",
            "الخميس", "الموافق", "محرم", "1445", "هـ", "م", "الساعة", "الثامنة", "والنصف", "إلا", "ربعا", "و", "من", "في",
            "إلى", "هذا", "الشهر", "الأسبوع", "المقبل", "بتوقيت", "غرينتش", "كانون", "الثاني", "،", "(", ")", "-", ":", ".",
            "ألف", "وتسعمائة", "الحادي", "والعشرين", "ذو", "الحجة", "0", "9999", "يوم", "بعد", "غد", "ﷺ", "\ud800", "ـ",
        ]
    )
).map(" ".join)  # fmt: skip


@given(st.text() | WORDS, st.datetimes(timezones=st.just(UTC)))
def test_no_text_is_too_strange_and_every_date_is_where_it_says(text: str, now: datetime) -> None:
    end = 0
    for found in find_dates(text, now):
        assert text[found.start : found.end] == found.text != ""
        assert found.precision in {"year", "month", "week", "day", "minute"}
        end = max(end, found.end)
    assert end <= len(text)


def test_long_texts_of_date_words_are_read_once() -> None:
    assert find_dates("و " * 50_000 + "1 " * 50_000, NOW) is not None
    assert find_dates("منذ يوم واحد" + " ويوم واحد" * 10_000, NOW) is not None
    assert find_dates("وعشرين " * 20_000, NOW) is not None
    assert len(find_dates("3 و" * 20_000 + "4 مايو 2020", NOW)) >= 1
