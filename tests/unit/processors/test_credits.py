import pytest

from processors.grouping.credits import credited_agency


@pytest.mark.parametrize(
    ("text", "agency"),
    [
        ("(رويترز) - أعلن الوزير فتح الميناء.", "رويترز"),
        ("الرياض - واس: افتتح الوزير الميناء.", "واس"),
        ("افتتح الوزير الميناء.\n(أ ف ب)", "أ ف ب"),
        ("افتتح الوزير الميناء.\nالمصدر: وكالة الأناضول", "الأناضول"),
        ("القاهرة - أ ش أ - افتتح الوزير الميناء.", "أ ش أ"),
        ("بيروت (د ب أ) - افتتح الوزير الميناء.", "د ب أ"),
    ],
)
def test_a_credit_is_read_where_credits_stand(text: str, agency: str) -> None:
    assert credited_agency(text) == agency


@pytest.mark.parametrize(
    "text",
    [
        "قال الوزير لرويترز إن الميناء يفتح غدا.",
        "نقلت وكالة الأناضول عن الوزير قوله إن الميناء يفتح غدا.",
        "الميناء واسع (كما قيل).",
        "",
        "س" * 500 + " (رويترز) " + "س" * 500,
    ],
)
def test_an_agency_that_is_quoted_has_not_written_the_text(text: str) -> None:
    assert credited_agency(text) == ""
