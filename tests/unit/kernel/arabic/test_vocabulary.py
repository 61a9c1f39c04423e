import pytest
from hypothesis import given
from hypothesis import strategies as st

from marsad.arabic.vocabulary import TooMuchError, Vocabulary


def test_a_word_keeps_its_number_and_has_its_key() -> None:
    words = Vocabulary(str.upper)

    assert [words[word] for word in ("a", "b", "a", "c")] == [1, 2, 1, 3]
    assert words.keys_of == ["", "A", "B", "C"]


def test_a_word_without_a_key_of_its_own_is_worked_out_once() -> None:
    asked: list[str] = []
    words = Vocabulary(asked.append)

    assert [words[word] for word in ("a", "a")] == [1, 1]
    assert words.keys_of == ["", ""]
    assert asked == ["a"]


def test_the_words_that_were_met_last_are_known_to_the_next_vocabulary() -> None:
    asked: list[str] = []

    def key_of(word: str) -> str:
        asked.append(word)
        return word.upper()

    older = Vocabulary(key_of, most=9)
    assert [older[word] for word in "abcd"] == [1, 2, 3, 4]
    older.met[1] = 5  # an article has the first again
    newer = Vocabulary(key_of, most=9, older=older)

    assert set(newer) == {"", "a", "d"}
    assert newer.keys_of == ["", "A", "D"]
    assert [newer[word] for word in ("d", "a", "b")] == [2, 1, 3]
    assert asked == ["a", "b", "c", "d", "b"]


@given(st.lists(st.integers(0, 5), min_size=1, max_size=20))
def test_half_of_the_words_go_on_and_none_of_them_was_met_before_one_that_does_not(met: list[int]) -> None:
    older = Vocabulary(str.upper, most=30)
    for number, when in enumerate(met, 1):
        assert older[f"w{number}"] == number
        older.met[number] = when
    newer = Vocabulary(str.upper, most=30, older=older)

    assert len(newer) - 1 == len(older) // 2
    left = [older.met[number] for word, number in older.items() if word not in newer]
    assert max(left, default=0) <= min(older.met[number] for number in newer.kept[1:])


@pytest.mark.parametrize("word", ["c", "b" * 49])
def test_one_word_too_many_and_a_long_one_are_refused(word: str) -> None:
    words = Vocabulary(str.upper, most=3)
    assert [words["a"], words["b"]] == [1, 2]

    with pytest.raises(TooMuchError):
        words[word]
    assert word not in words
