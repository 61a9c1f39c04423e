import codecs

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marsad.arabic import decode

TITLE = "وزير الخارجية الجزائري يستقبل نظيره الروسي في العاصمة"


@pytest.mark.parametrize("charset", ["cp1256", "iso8859-6", "utf-8"])
@pytest.mark.parametrize(
    "labels",
    [(), ("windows-1256",), ("ISO-8859-6",), ("utf-8",), ("iso-8859-1",), ("nonsense", ""), ("us-ascii", "utf8")],
)
def test_arabic_is_decoded_whatever_its_label_says(charset: str, labels: tuple[str, ...]) -> None:
    text, found = decode(TITLE.encode(charset), labels)

    assert text == TITLE
    assert codecs.lookup(found).name == codecs.lookup(charset).name


@pytest.mark.parametrize(
    ("bom", "charset"),
    [(codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be")],
)
def test_a_byte_order_mark_decides_and_is_taken_off(bom: bytes, charset: str) -> None:
    assert decode(bom + TITLE.encode(charset), ("windows-1256",)) == (TITLE, charset)


@pytest.mark.parametrize("charset", ["utf-16-le", "utf-16-be"])
def test_utf16_is_known_without_its_mark(charset: str) -> None:
    assert decode(f"<p>{TITLE}</p>".encode(charset)) == (f"<p>{TITLE}</p>", charset)


def test_utf8_that_was_cut_in_a_letter_is_still_utf8() -> None:
    text, charset = decode(TITLE.encode()[:-1])

    assert charset == "utf-8"
    assert text == TITLE[:-1] + "\ufffd"


def test_plain_ascii_takes_the_declared_charset() -> None:
    assert decode(b"News", ("windows-1256",)) == ("News", "cp1256")
    assert decode(b"News") == ("News", "utf-8")


def test_letters_deep_in_a_page_are_seen() -> None:
    page = b"<script>" + b"var x = 1;\n" * 100_000 + b"</script>" + TITLE.encode("cp1256")

    assert decode(page, ("utf-8",))[1] == "cp1256"


def test_french_in_its_own_charset_keeps_its_accents() -> None:
    text = "Le président a été reçu à Alger"

    assert decode(text.encode("latin-1"), ("iso-8859-1",))[0] == text


@pytest.mark.parametrize(
    "label", ["base64", "rot13", "zlib", "idna", "punycode", "unicode_escape", "undefined", "utf-7", "\x00"]
)
def test_labels_that_are_no_charsets_are_passed_over(label: str) -> None:
    assert decode(TITLE.encode("cp1256"), (label,)) == (TITLE, "cp1256")


@given(st.binary(max_size=300), st.lists(st.text(max_size=12), max_size=3))
def test_any_bytes_and_labels_are_decoded(body: bytes, labels: list[str]) -> None:
    text, charset = decode(body, labels)

    assert isinstance(text, str)
    assert codecs.lookup(charset)
