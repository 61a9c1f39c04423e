import pytest
from hypothesis import given
from hypothesis import strategies as st

from marsad.arabic import key_form, stem


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (("التعاون", "تعاون", "والتعاون", "بالتعاون", "وبالتعاون", "فبالتعاون", "كالتعاون", "وكالتعاون"), "تعا"),
        (("للجزائر", "الجزائر", "وللجزائر", "فللجزائر", "والجزائر"), "جزائر"),
        (("المعلمون", "معلمين", "والمعلمات"), "معلم"),
        (("العسكرية", "عسكري", "عسكريين", "عسكريان"), "عسكر"),
        (("سفينة", "السفينة", "سفينه"), "سفين"),
    ],
)
def test_forms_of_one_word_share_a_stem(words: tuple[str, ...], expected: str) -> None:
    assert {stem(key_form(word)) for word in words} == {expected}


@pytest.mark.parametrize("word", ["nato", "2023", "ssv", "f16", "", "ب", "من", "في", "ولد", "وزن", "ال"])
def test_short_foreign_and_digit_words_stay(word: str) -> None:
    assert stem(word) == word


@given(st.text(st.sampled_from("اولبكفتنيهمس"), max_size=12))
def test_no_stem_is_shorter_than_two_letters_or_longer_than_its_word(word: str) -> None:
    assert min(len(word), 2) <= len(stem(word)) <= len(word)
    assert stem(word) in word
