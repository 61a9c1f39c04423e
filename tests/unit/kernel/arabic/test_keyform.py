import pytest
from hypothesis import given
from hypothesis import strategies as st

from marsad.arabic import key_form, key_words, strip_marks

TRICKY = st.text(
    st.sampled_from(
        "اأإآٱلبةىییکگپچڤ\u0640\u064b\u0651\u0653\u0654\u0655\u0670\u200c\u200f\u061c\ufeff\u00ad\u00a0"
        "e\u0301é\u0300Kﷺﷲ\ufefb\ufe8d\u0130ßΣς½\u0345\u1fb3\ufe70\ufc5e\u0674_\x00\ud800٣۴٫٬"
    )
)


@pytest.mark.parametrize(
    ("written", "key"),
    [
        ("الأمــريكيّة", "الامريكيه"),
        ("إيران", "ايران"),
        ("آسيا", "اسيا"),
        ("مصطفى", "مصطفي"),
        ("ایران", "ايران"),
        ("کویت", "كويت"),
        ("مسؤول", "مسؤول"),
        ("رئيس", "رئيس"),
        ("١٢٣ ۴۵۶", "123 456"),
        ("٣٫٥", "3.5"),
        ("ڤيينا", "فيينا"),
        ("NATO", "nato"),
        ("كلمة\u00a0أخرى", "كلمه اخري"),
        ("\u202bالجزائر\u202c", "الجزائر"),
        ("ﷺ", "صلي الله عليه وسلم"),
        ("\ufefb", "لا"),
        ("كتاب\ufe70ا", "كتابا"),
        ("", ""),
    ],
)
def test_spellings_that_outlets_interchange_have_one_key(written: str, key: str) -> None:
    assert key_form(written) == key


@given(st.text() | TRICKY)
def test_the_key_form_of_a_key_form_is_itself(text: str) -> None:
    once = key_form(text)

    assert key_form(once) == once


@given(st.text(st.characters(min_codepoint=0x0600, max_codepoint=0x06FF), max_size=12))
def test_a_word_of_plain_letters_has_the_key_that_it_has_with_a_tatweel_which_takes_the_longer_way(word: str) -> None:
    assert key_form(word) == key_form(word + "\u0640")


@given(TRICKY)
def test_lone_surrogates_and_nul_pass_through(text: str) -> None:
    assert ("\x00" in key_form(text)) == ("\x00" in text)
    assert key_form(text).count("\ud800") == text.count("\ud800")


def test_a_text_of_marks_only_has_an_empty_key() -> None:
    assert key_form("\u064b\u0640\u200f\ufeff" * 1000) == ""
    assert key_words("\u0640" * 1000) == ()


def test_stripping_marks_keeps_the_letters_as_written() -> None:
    assert strip_marks("الأُمّــة\u200f") == "الأمة"
