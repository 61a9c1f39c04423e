from marsad.memo import LONGEST, remembered


def test_an_answer_is_given_again_without_asking_and_long_texts_are_not_kept() -> None:
    asked: list[str] = []

    @remembered(2)
    def upper(text: str) -> str:
        asked.append(text)
        return text.upper()

    long = "a" * (LONGEST + 1)
    assert [upper("b"), upper("b"), upper(long), upper(long)] == ["B", "B", long.upper(), long.upper()]
    assert asked == ["b", long, long]
    assert upper(text="b") == "B"
