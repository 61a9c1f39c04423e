from hypothesis import example, given
from hypothesis import strategies as st

from producers.parse.mend import without_bad_references

_PIECES = st.lists(
    st.sampled_from(
        ["&", "&#", "&#x", "#", ";", "0", "55", "296", "D8", "00", "&#xD800;", "&#55296", "&#0;", "&#39;", "خبر"]
    )
).map("".join)


@given(_PIECES)
@example("&#0055&#xD800;296;")
@example("&#&#xD800;55296;")
@example("&&#0;#xD800;")
def test_a_reference_that_goes_leaves_no_other_behind(text: str) -> None:
    once = without_bad_references(text)
    assert without_bad_references(once) == once


def test_good_references_stay_as_they_are() -> None:
    text = "&#39; &#x639; &amp; &#39 a & b &"
    assert without_bad_references(text) == text
