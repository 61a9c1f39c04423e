from collections.abc import Iterator

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from marsad.arabic.vocabulary import Vocabulary
from marsad.taxonomy.columns import Column

WORDS = st.lists(st.text("abcd", min_size=1, max_size=2), max_size=40)


def _said(column: Column, words: Vocabulary, text: list[str]) -> list[int]:
    found: list[int] = column.of(words, np.array([words[word] for word in text], dtype=np.intp)).tolist()
    return found


def _lengths(words: list[str]) -> Iterator[int]:
    return map(len, words)


@given(st.lists(st.tuples(WORDS, st.sampled_from(["same", "next", "own"])), max_size=8))
def test_a_column_says_of_each_word_what_its_table_says_however_vocabularies_change(
    texts: list[tuple[list[str], str]],
) -> None:
    words = Vocabulary(str.upper, most=100)
    column = Column(_lengths)
    read: list[tuple[Vocabulary, list[str]]] = []
    for text, which in texts:
        if which == "next":
            words = Vocabulary(str.upper, most=100, older=words)
        read.append((Vocabulary(str.upper) if which == "own" else words, text))
        for vocabulary, before in read:
            assert _said(column, vocabulary, before) == list(map(len, before))


def test_a_table_is_asked_once_for_a_word_that_the_next_vocabulary_takes_over() -> None:
    asked: list[str] = []

    def look_up(words: list[str]) -> Iterator[int]:
        asked.extend(words)
        return map(len, words)

    column = Column(look_up)
    older = Vocabulary(str.upper, most=9)
    assert _said(column, older, ["a", "bb", "cc", "ddd"]) == [1, 2, 2, 3]
    newer = Vocabulary(str.upper, most=9, older=older)

    assert _said(column, newer, ["eeee", "ddd", "a"]) == [4, 3, 1]
    assert asked == ["", "A", "BB", "CC", "DDD", "EEEE", "A"]
