from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marsad.arabic import parse_date

NOW = datetime(2023, 9, 14, 12, 0, tzinfo=UTC)
RIYADH = timezone(timedelta(hours=3))


@pytest.mark.parametrize(
    ("raw", "value", "precision", "zone"),
    [
        ("Sun, 18 Feb 2018 21:35:43 +0400", "2018-02-18T17:35:43", "second", "+0400"),
        ("Sun, 18 Feb 2018 21:35:43 GMT", "2018-02-18T21:35:43", "second", "GMT"),
        ("18 Feb 18 21:35 UT", "2018-02-18T21:35:00", "minute", "UT"),
        ("Sun, 18 Feb 2018 21:35:43 EDT", "2018-02-19T01:35:43", "second", "EDT"),
        ("Sun, 18 Feb 2018 21:35:43 AST", "2018-02-18T18:35:43", "second", "AST"),
        ("Sun, 18 Feb 2018 21:35:43 Arabian", "2018-02-18T18:35:43", "second", None),
        ("Sun, 18 Feb 2018 21:35:43 Asia/Dubai", "2018-02-18T17:35:43", "second", "ASIA/DUBAI"),
        ("Sun, 18 Feb 2018 21:35:43 +9900", "2018-02-18T18:35:43", "second", None),
        ("Sun, 18 Feb 2018 24:00:00 +0300", "2018-02-18T21:00:00", "second", "+0300"),
        ("Sun, 18 Feb 2018 21:35:43 +0300 (AST)", "2018-02-18T18:35:43", "second", "+0300"),
        ("Sun, 18 Feb 2018 21:35:43 No/Where", "2018-02-18T18:35:43", "second", None),
        ("Sun,18 Feb 2018 21:35:43 GMT GMT", "2018-02-18T21:35:43", "second", "GMT"),
        ("20180218T213543Z", "2018-02-18T21:35:43", "second", "Z"),
        ("20180218213543", "2018-02-18T18:35:43", "second", None),
        ("2018-W07-7", "2018-02-17T21:00:00", "day", None),
        ("2018-049", "2018-02-17T21:00:00", "day", None),
        ("2018-2-8T1:5:9Z", "2018-02-08T01:05:09", "second", "Z"),
        ("2018-02-18T21:35:43[Asia/Dubai]", "2018-02-18T17:35:43", "second", "ASIA/DUBAI"),
        ("2018-02-18T21:35:43+04:00[Asia/Dubai]", "2018-02-18T17:35:43", "second", "+04:00"),
        ("2018-02-18T21:35:43 04:00", "2018-02-18T17:35:43", "second", "04:00"),
        ("2018-02-18T21:35:43\u221203:00", "2018-02-19T00:35:43", "second", "-03:00"),
        ("/Date(1518989743000+0300)/", "2018-02-18T21:35:43", "second", "UTC"),
        ("1518989743.25", "2018-02-18T21:35:43", "second", "UTC"),
        ("Published: 2018-02-18 21:35", "2018-02-18T18:35:00", "minute", None),
        ("2 hours ago", "2023-09-14T10:00:00", "minute", None),
        ("il y a 2 jours", "2023-09-12T12:00:00", "day", None),
        ("hier", "2023-09-12T21:00:00", "day", None),
        ("Sun Feb 18 21:35:43 2018", "2018-02-18T18:35:43", "second", None),
        ("Sun Feb 18 21:35:43 UTC 2018", "2018-02-18T21:35:43", "second", "UTC"),
        ("2018-02-18T21:35:43Z", "2018-02-18T21:35:43", "second", "Z"),
        ("2018-02-18T21:35:43.123+03:00", "2018-02-18T18:35:43", "second", "+03:00"),
        ("2018-02-18 21:35:43 UTC+3", "2018-02-18T18:35:43", "second", "UTC+3"),
        ("2018-02-18 21:35", "2018-02-18T18:35:00", "minute", None),
        ("2018-02-18", "2018-02-17T21:00:00", "day", None),
        ("20180218", "2018-02-17T21:00:00", "day", None),
        ("2018-02", "2018-01-31T21:00:00", "month", None),
        ("18/02/2018 21:35", "2018-02-18T18:35:00", "minute", None),
        ("2/18/2018 9:35:43 PM", "2018-02-18T18:35:43", "second", None),
        ("18.02.2018 | 21:35", "2018-02-18T18:35:00", "minute", None),
        ("٢٠١٨/٠٢/١٨ ٢١:٣٥", "2018-02-18T18:35:00", "minute", None),
        ("21:35 18/02/2018", "2018-02-18T18:35:00", "minute", None),
        ("18-02-2018 9:35 م", "2018-02-18T18:35:00", "minute", None),
        ("February 18, 2018", "2018-02-17T21:00:00", "day", None),
        ("18 février 2018 à 21h35", "2018-02-18T18:35:00", "minute", None),
        ("الأحد 18 فبراير 2018 - 21:35", "2018-02-18T18:35:00", "minute", None),
        ("الأحد، 18 شباط/فبراير 2018 الساعة 9:35 مساءً بتوقيت غرينتش", "2018-02-18T21:35:00", "minute", "+00:00"),
        ("آخر تحديث: الأحد 18 فبراير 2018 21:35", "2018-02-18T18:35:00", "minute", None),
        ("\u202b18 فيفري 2018\u202c", "2018-02-17T21:00:00", "day", None),
        ("25 شوال 1436 هـ", "2015-08-09T21:00:00", "day", None),
        ("1436/10/25", "2015-08-09T21:00:00", "day", None),
        ("منذ ساعتين", "2023-09-14T10:00:00", "minute", None),
        ("أمس", "2023-09-12T21:00:00", "day", None),
        ("1518989743", "2018-02-18T21:35:43", "second", "UTC"),
        ("1518989743000", "2018-02-18T21:35:43", "second", "UTC"),
        ("Thu, 01 Jan 1970 00:00:00 +0000", "1970-01-01T00:00:00", "second", "+0000"),
        ("Fri, 01 Jan 2100 00:00:00 +0000", "2100-01-01T00:00:00", "second", "+0000"),
    ],
)
def test_a_feed_date_is_understood(raw: str, value: str, precision: str, zone: str | None) -> None:
    parsed = parse_date(raw, NOW, RIYADH)

    assert parsed is not None
    assert (parsed.value, parsed.precision, parsed.zone) == (datetime.fromisoformat(value + "+00:00"), precision, zone)


@pytest.mark.parametrize(
    "raw",
    [
        "",
        "   ",
        "xx",
        "0000-00-00 00:00:00",
        "Sun, 31 Feb 2018 21:00:00 +0300",
        "n/a",
        "لا تاريخ",
        "8:30 مساء",
        "2018-13-45",
        "NaN",
        "\x00",
    ],
)
def test_what_is_no_date_is_none(raw: str) -> None:
    assert parse_date(raw, NOW, RIYADH) is None


@given(
    st.text() | st.text(st.sampled_from("0123456789/-:. +Zapmtفبراير ،"), max_size=40),
    st.datetimes(min_value=datetime(1900, 1, 1), max_value=datetime(2200, 1, 1), timezones=st.just(UTC)),
)
def test_any_text_is_a_date_in_utc_or_none(raw: str, now: datetime) -> None:
    parsed = parse_date(raw, now, RIYADH)

    assert parsed is None or parsed.value.utcoffset() == timedelta(0)


def test_an_endless_date_is_cut() -> None:
    assert parse_date("1" * 1_000_000, NOW, RIYADH) is None
    assert parse_date(("Sun, " * 100_000) + "18 Feb 2018", NOW, RIYADH) is None
