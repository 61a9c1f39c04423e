"""Addresses inside documents."""

import pytest

from producers.parse.links import absolute

_BASE = "https://news.example/ar/feed"


@pytest.mark.parametrize(
    ("href", "wanted"),
    [
        ("5.html", "https://news.example/ar/5.html"),
        ("/5", "https://news.example/5"),
        ("www.news.example/5", "https://www.news.example/5"),
        ("news.example/5", "https://news.example/5"),
        ("javascript:alert(1)", ""),
        ("http://[", ""),
        ("", ""),
    ],
)
def test_a_link_becomes_an_address_that_can_be_asked_for_or_nothing(href: str, wanted: str) -> None:
    assert absolute(_BASE, href) == wanted


def test_an_address_without_end_is_none() -> None:
    assert absolute(_BASE, "a" * 4_000)
    assert absolute(_BASE, "a" * 4_100) == ""
