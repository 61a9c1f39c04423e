import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from processors.tidy import tidy, tidy_line

ARABIC = st.text(
    alphabet=st.one_of(
        st.characters(min_codepoint=0x600, max_codepoint=0x6FF),
        st.characters(min_codepoint=0xFB50, max_codepoint=0xFEFF),
        st.sampled_from(list(" \n\r\t\u00a0\u200b\u200c\u200e\u202b\u202c\u2028\ud800\udc00\ufeff&;amp#quot\x85\x00")),
    ),
    max_size=80,
)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("الأمــــريكية", "الأمريكية"),
        ("الأمريكيّة", "الأمريكيّة"),
        ("وزارة\u00a0الدفاع", "وزارة الدفاع"),
        ("\u202bالعاصمة\u202c\u200f", "العاصمة"),
        ("ﺍﻟﺠﺰﺍﺋﺮ", "الجزائر"),
        ("ﷲ", "الله"),
        ("محمد ﷺ", "محمد ﷺ"),
        ("ﹶ", "َ"),
        ("&quot;قمة&quot;", '"قمة"'),
        ("&amp;quot;قمة&amp;quot;", '"قمة"'),
        ("مدرسة إلى على", "مدرسة إلى على"),
        ("ا\u0653لاف", "آلاف"),
        ("سطر\r\nسطر\u2028سطر", "سطر\nسطر\nسطر"),
        ("أ\n\n\n ب", "أ\nب"),
        ("\ud83d\ude00", "\U0001f600"),
        ("\ud83d", "\ufffd"),
        ("AT&T", "AT&T"),
        ("ÑæÓíÇ æÇáÌÒÇÆÑ", "روسيا والجزائر"),
    ],
)
def test_a_text_is_clean_and_its_letters_are_the_readers(text: str, expected: str) -> None:
    assert tidy(text) == expected


@given(ARABIC)
def test_cleaning_twice_is_cleaning_once(text: str) -> None:
    assert tidy(tidy(text)) == tidy(text)


@given(st.text(max_size=100))
def test_any_text_ends_composed_and_fit_for_utf8(text: str) -> None:
    clean = tidy(text)
    clean.encode("utf-8")
    assert unicodedata.is_normalized("NFC", clean)


@given(ARABIC)
def test_a_line_has_no_line_break_and_no_edge_of_blanks(text: str) -> None:
    line = tidy_line(text)
    assert line == " ".join(line.split())
