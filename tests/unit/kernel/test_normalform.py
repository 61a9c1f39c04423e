import unicodedata

from hypothesis import given
from hypothesis import strategies as st

from marsad.arabic import key_form, tokenize
from marsad.normalform import nfc, nfkc
from marsad.records.urls import canonical_url

SHUFFLED = "\u064b\u0651"
"""Two marks that normal forms put the other way round."""


@given(st.text(max_size=30) | st.text(alphabet="اaلé\u0301\u0316\u0653\u064b\u0651 \ufdfa가", max_size=25))
def test_what_people_write_is_normalised_as_unicode_says(text: str) -> None:
    assert nfc(text) == unicodedata.normalize("NFC", text)
    assert nfkc(text) == unicodedata.normalize("NFKC", text)


@given(st.text(alphabet="ا\u0653\u064b\u0651\u0301\u0316\u200b\ud800«", max_size=200))
def test_a_normal_form_stays_as_it_is(text: str) -> None:
    assert nfc(nfc(text)) == nfc(text)
    assert nfkc(nfkc(text)) == nfkc(text)


def test_a_million_marks_in_the_wrong_order_are_cut_and_cost_no_hours() -> None:
    text = "ب" + SHUFFLED * 500_000 + " خبر"

    assert nfc(text) == nfc("ب" + SHUFFLED * 15) + " خبر"
    assert key_form(text) == "ب خبر"
    assert key_form("e" + "\u0301\u0316" * 500_000).startswith("é")
    assert len(tokenize(text)) == 2
    assert len(canonical_url("https://example.org/" + "\u0301\u0316" * 100_000)) < 1_000
    assert nfc("ا" + "\u0653" * 500_000 + SHUFFLED).startswith("آ")
