import pytest
from hypothesis import given
from hypothesis import strategies as st

from marsad.arabic import repair

TITLES = (
    "روسيا تعزز تعاونها العسكري مع الجزائر بعد زيارة سفينة حربية",
    "وزير الدفاع يبحث في القاهرة صفقة طائرات جديدة",
    "أسعار النفط ترتفع بعد قرار «أوبك+» خفض الإنتاج",
    "إطلاق هاتف Galaxy S9 و Galaxy S9 Plus في دبي",
)
ARABIC_LETTERS = "ءآأؤإئابةتثجحخدذرزسشصضطظعغفقكلمنهوىي"


def misread(text: str, written: str, read: str) -> str:
    images = [bytes([byte]).decode(read, errors="ignore") or chr(byte) for byte in range(256)]
    return "".join(images[byte] for byte in text.encode(written, errors="ignore"))


@pytest.mark.parametrize("title", TITLES)
@pytest.mark.parametrize(
    ("written", "read"),
    [("utf-8", "cp1256"), ("utf-8", "cp1252"), ("utf-8", "latin-1"), ("cp1256", "latin-1"), ("cp1256", "cp1252")],
)
def test_a_wrong_decoding_is_undone(title: str, written: str, read: str) -> None:
    assert repair(misread(title, written, read)) == title


def test_text_that_was_broken_twice_is_repaired() -> None:
    assert repair(misread(misread(TITLES[0], "utf-8", "latin-1"), "utf-8", "latin-1")) == TITLES[0]


def test_what_does_not_fit_the_accident_stays_in_a_repaired_text() -> None:
    broken = misread(TITLES[1], "utf-8", "cp1256")

    assert repair(broken + " …") == TITLES[1] + " …"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "plain ASCII",
        "ضبط محطة طاقة",
        "طظ",
        "طظطظطظ",
        "Élysée : le président reçu à Alger, été très chaud",
        "ÄÖÜ Straße",
        "Łódź Škoda Đà Nẵng",
        "«السيسي»: ØÙ هي حروف",
    ],
)
def test_good_text_is_left_alone(text: str) -> None:
    assert repair(text) == text


@given(st.text(st.sampled_from(ARABIC_LETTERS + " ،.\u064b\u0651ـ0123ABab")))
def test_well_formed_arabic_is_never_changed(text: str) -> None:
    assert repair(text) == text


@given(st.text())
def test_no_text_is_too_strange(text: str) -> None:
    assert isinstance(repair(text), str)
