from hypothesis import given
from hypothesis import strategies as st

from marsad.arabic import balance, isolate_latin, isolated, strip_controls

CONTROLLED = st.text(
    st.sampled_from("اب A1\n\u2029\u200e\u200f\u061c\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
)


def test_controls_are_stripped() -> None:
    assert strip_controls("\u200fالناتو\u202a NATO\u202c\u2068x\u2069\u061c") == "الناتو NATOx"


def test_what_is_left_open_is_closed_before_the_paragraph_ends() -> None:
    assert balance("\u202bأ\nب") == "\u202bأ\u202c\nب"
    assert balance("\u2067\u202aأ") == "\u2067\u202aأ\u202c\u2069"


def test_closers_of_nothing_are_dropped() -> None:
    assert balance("أ\u202c\u2069ب") == "أب"


def test_a_closed_isolate_closes_the_embeddings_in_it() -> None:
    assert balance("\u2067\u202aأ\u2069ب") == "\u2067\u202aأ\u202c\u2069ب"


@given(CONTROLLED)
def test_a_balanced_text_stays_as_it_is(text: str) -> None:
    assert balance(balance(text)) == balance(text)


@given(CONTROLLED)
def test_balancing_touches_controls_only(text: str) -> None:
    assert strip_controls(balance(text)) == strip_controls(text)


@given(CONTROLLED)
def test_openers_and_closers_are_as_many_in_each_paragraph(text: str) -> None:
    for line in balance(text).replace("\u2029", "\n").split("\n"):
        assert sum(map(line.count, "\u202a\u202b\u202d\u202e")) == line.count("\u202c")
        assert sum(map(line.count, "\u2066\u2067\u2068")) == line.count("\u2069")


def test_many_stray_closers_cost_no_more_than_their_number() -> None:
    assert balance("\u202a" * 100_000 + "\u2069" * 100_000) == "\u202a" * 100_000 + "\u202c" * 100_000


def test_latin_names_are_isolated_with_their_numbers() -> None:
    assert isolate_latin("السفينة KILDIN SSV-512 من") == "السفينة \u2068KILDIN SSV-512\u2069 من"
    assert isolate_latin("طائرات F-16 و5G") == "طائرات \u2068F-16\u2069 و\u20685G\u2069"


def test_a_number_after_a_name_belongs_to_the_sentence() -> None:
    assert isolate_latin("في NATO 30 دولة") == "في \u2068NATO\u2069 30 دولة"


def test_text_without_arabic_is_left_alone() -> None:
    assert isolate_latin("KILDIN SSV-512") == "KILDIN SSV-512"


def test_what_is_isolated_leaves_no_level_open() -> None:
    assert isolated("550 No such user") == "\u2068550 No such user\u2069"
    assert isolated("\u202bا\u2067ب") == "\u2068\u202bا\u2067ب\u2069\u202c\u2069"


@given(st.text(st.sampled_from("اب AbC-1 .é\u2068\u2069")))
def test_names_are_isolated_once(text: str) -> None:
    once = isolate_latin(text)

    assert isolate_latin(once) == once
    assert strip_controls(once) == strip_controls(text)


def test_long_runs_of_digits_and_signs_are_read_once() -> None:
    assert isolate_latin("ا " + "1" * 300_000) == "ا " + "1" * 300_000
    assert len(isolate_latin("ا a" + "-" * 300_000)) > 300_000
