import pytest

from processors.headline import strip_outlet


@pytest.mark.parametrize(
    ("title", "expected"),
    [
        ("وزير الدفاع يزور موسكو - وكالة الأفق", "وزير الدفاع يزور موسكو"),
        ("وكالة الأفق | وزير الدفاع يزور موسكو", "وزير الدفاع يزور موسكو"),
        ("وزير الدفاع يزور موسكو &", "وزير الدفاع يزور موسكو"),
        ("- وزير الدفاع يزور موسكو |", "وزير الدفاع يزور موسكو"),
        ("روسيا - الجزائر: تعاون يتوسع", "روسيا - الجزائر: تعاون يتوسع"),
        ("وزير الدفاع يزور موسكو - عاجل من باريس", "وزير الدفاع يزور موسكو - عاجل من باريس"),
    ],
)
def test_a_title_keeps_its_words_and_loses_the_outlet(title: str, expected: str) -> None:
    assert strip_outlet(title, ["وكالة الأفق"], "https://alofoq.example/a") == expected
