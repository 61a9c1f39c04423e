import pytest
from hypothesis import given
from hypothesis import strategies as st

from marsad.arabic import Tokens, key_words, stem, tokenize
from marsad.arabic import tokens as module

TEXTS = st.text() | st.text(st.sampled_from("ابتةىأـ\u064b\u0651\u200f\u200c_#.,، \nAbé\u0301٣3ﷺ\ufdfa½\x00\ud800ﷲ"))


@given(TEXTS)
def test_every_offset_points_to_a_surface_that_has_the_key(text: str) -> None:
    found = tokenize(text)

    for key, start, end in zip(found.keys, found.starts, found.ends, strict=True):
        assert 0 <= start < end <= len(text)
        assert key in key_words(text[start:end])


@given(TEXTS)
def test_tokens_come_in_order_and_overlap_only_where_one_sign_is_several_words(text: str) -> None:
    found = tokenize(text)

    for place in range(1, len(found)):
        same = (found.starts[place], found.ends[place]) == (found.starts[place - 1], found.ends[place - 1])
        assert same or found.starts[place] >= found.ends[place - 1]


def test_a_hashtag_is_split_at_its_underscores() -> None:
    text = "قال #الولايات_المتـحدة: نعم"
    found = tokenize(text)

    assert found.keys == ("قال", "الولايات", "المتحده", "نعم")
    assert [text[start:end] for start, end in zip(found.starts, found.ends, strict=True)] == [
        "قال", "الولايات", "المتـحدة", "نعم",
    ]  # fmt: skip


def test_marks_tatweel_and_joiners_do_not_split_a_word() -> None:
    text = "قال التـــعاوُنُ، ثم"
    found = tokenize(text)

    assert found.keys == ("قال", "التعاون", "ثم")
    assert text[found.starts[1] : found.ends[1]] == "التـــعاوُنُ"


def test_punctuation_splits_numbers_and_names() -> None:
    assert tokenize("إس-400 (S-400) 3.5%").keys == ("اس", "400", "s", "400", "3", "5")


def test_a_ligature_gives_its_words_at_one_place() -> None:
    found = tokenize("النبي ﷺ قال")

    assert found.keys == ("النبي", "صلي", "الله", "عليه", "وسلم", "قال")
    assert found.starts[1:5] == (6, 6, 6, 6)
    assert found.ends[1:5] == (7, 7, 7, 7)


@pytest.mark.parametrize("text", ["", "   ", "ـــــ", "،؛؟", "\ud800\x00", "\u200f\u200e"])
def test_a_text_without_words_has_no_tokens(text: str) -> None:
    assert tokenize(text) == Tokens((), (), ())


def test_stems_go_with_the_keys() -> None:
    found = tokenize("وبالتعاون العسكري 2023 NATO")

    assert found.stems == tuple(map(stem, found.keys))


@pytest.mark.parametrize("unit", ["ا\u064b", "ا\u200f", "اـ", "_", "a\u0301", "\u064b\u200f", "\u200f\u064b\u200f"])
def test_long_runs_of_marks_and_joiners_are_read_once(unit: str) -> None:
    # Were the pattern to try anything twice, this would not end before the test's time limit.
    assert len(tokenize(unit * 300_000)) <= 1


def test_long_words_are_not_kept_in_memory() -> None:
    word = "ب" * 100_000

    assert tokenize(word).keys == (word,)
    assert word not in module._words


def test_words_in_memory_are_bounded_and_texts_are_split_the_same_after_many_others(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "_NUMBERED", 8)
    monkeypatch.setattr(module, "_words", module._vocabulary())
    for number in range(100):
        found = tokenize(f"عام{number} ثم مدرسة")
        assert found.keys == (f"عام{number}", "ثم", "مدرسه")
        assert [found.numbered.words.keys_of[at] for at in found.numbered.numbers] == list(found.keys)

    assert "مدرسة" in module._words
    assert len(module._words) <= 10


def test_a_text_of_more_words_than_are_kept_is_split_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_NUMBERED", 2)
    monkeypatch.setattr(module, "_words", module._vocabulary())

    assert tokenize("واحد اثنان ثلاثة أربعة خمسة ستة").keys == ("واحد", "اثنان", "ثلاثه", "اربعه", "خمسه", "سته")
    assert len(module._words) <= 2


def test_a_memo_forgets_what_is_not_asked_for_and_keeps_what_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_GENERATION", 4)
    asked: list[str] = []
    memo = module._Cache(lambda word: asked.append(word) or word.upper())  # type: ignore[func-returns-value]
    for number in range(100):
        assert memo["often"] == "OFTEN"
        assert memo[f"once{number}"] == f"ONCE{number}"

    assert asked.count("often") == 1
    assert len(memo) + len(memo._older) <= 8
