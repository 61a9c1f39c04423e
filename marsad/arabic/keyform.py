"""The key form: the one spelling under which Arabic words are compared.

Readers never see it. Vowel marks, tatweel and invisible controls are deleted; letters that outlets interchange
(alef and its hamzas, ya and alef maqsura, ta marbuta and ha, Arabic and Persian kaf and ya) fold into one; digits
become ASCII; Latin is casefolded. Hamza on waw and on ya is kept, as Lucene and CAMeL Tools keep it.
"""

import re

from marsad.normalform import nfkc

#: Marks, tatweel, soft hyphen and invisible controls, as a character class for ``re``.
#: Quranic signs, harakat and the superscript alef are marks; the rest are joiners, bidi controls and BOMs.
ARABIC_MARKS = "\u0610-\u061a\u064b-\u065f\u0670\u06d6-\u06ed"
INVISIBLE = "\u00ad\u061c\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff"
TATWEEL = "\u0640"

#: ``re`` has no class for combining marks: these are the blocks of marks (Latin, Cyrillic, Hebrew, Arabic, Syriac,
#: Indic vowel signs and viramas, the combining supplements, variation selectors).
COMBINING = (
    "\u0300-\u036f\u0483-\u0489\u0591-\u05bd\u05bf\u05c1\u05c2\u05c4\u05c5\u05c7"
    + ARABIC_MARKS
    + "\u0711\u0730-\u074a\u0898-\u089f\u08ca-\u08e1\u08e3-\u0903\u093a-\u093c\u093e-\u094f\u0951-\u0957"
    + "\u0981-\u0983\u09bc-\u09cd\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe00-\ufe0f\ufe20-\ufe2f"
)

# Presentation forms of lone marks: NFKC would turn them into a space and a mark, and so split the word they stand in.
_LONE_MARKS = "\ufe70-\ufe7f\ufc5e-\ufc63"

_DELETED = re.compile(f"[{ARABIC_MARKS}{INVISIBLE}{TATWEEL}{_LONE_MARKS}]")

_KEY_WORD = re.compile(f"[^\\W_](?:[^\\W_]|[{COMBINING}])*")

_LETTERS = {
    "أ": "ا", "إ": "ا", "آ": "ا", "ٱ": "ا", "ٲ": "ا", "ٳ": "ا",
    "ى": "ي", "ی": "ي", "ې": "ي", "ے": "ي", "ۓ": "ي",
    "ة": "ه", "ۃ": "ه", "ہ": "ه", "ھ": "ه", "ە": "ه", "ۀ": "ه", "ۂ": "ه",
    "ک": "ك", "ڪ": "ك",
    # Letters that Arabic outlets borrow for foreign sounds, beside their plain spelling: ڤيينا فيينا, پوتين بوتين.
    "پ": "ب", "چ": "ج", "ژ": "ز", "ڤ": "ف",
    "٫": ".", "٬": "",
}  # fmt: skip

_FOLD = str.maketrans(
    _LETTERS
    | {chr(0x0660 + digit): str(digit) for digit in range(10)}
    | {chr(0x06F0 + digit): str(digit) for digit in range(10)}
)

# Words of these letters alone have nothing to delete, to compose or to casefold; nearly all words of news are of this kind.
# A seventh of the time.
_PLAIN = re.compile("[\u0621-\u063a\u0641-\u064a]+")
_PLAIN_FOLD = tuple((letter, key) for letter, key in _LETTERS.items() if _PLAIN.fullmatch(letter))

# A second pass is needed where deleting or casefolding brings a letter beside a mark that composes with it; three
# passes settled every text that hypothesis found, so the bound is never reached by real text.
_PASSES = 6


def _fold_once(text: str) -> str:
    text = _DELETED.sub("", text)
    text = nfkc(text)
    text = _DELETED.sub("", text).translate(_FOLD).casefold()
    return nfkc(text)


def key_form(text: str) -> str:
    """Return the key form of a text: the spelling under which it is matched.

    Idempotent; its work grows linearly with the text. Lone surrogates and NUL pass through.

    Args:
        text: Any text.

    Returns:
        The folded text; its positions are not those of ``text`` (tokens keep those).

    The steps and code points are those of Lucene's ArabicNormalizer, widened by what CAMeL Tools' dediac_ar and
    arclean delete and by Persian letters and presentation forms, which Lucene leaves.
    """
    if text.isascii():
        return text.casefold()
    if _PLAIN.fullmatch(text):
        for letter, key in _PLAIN_FOLD:
            text = text.replace(letter, key)
        return text
    for _ in range(_PASSES):
        folded = _fold_once(text)
        if folded == text:
            break
        text = folded
    return text


def strip_marks(text: str) -> str:
    """Return a text without vowel marks, tatweel and invisible controls, its letters as they were written."""
    return _DELETED.sub("", text)


def split_key(key: str) -> list[str]:
    """Return the words of a text that already is in key form."""
    return _KEY_WORD.findall(key)


def key_words(text: str) -> tuple[str, ...]:
    """Return the words of a text in key form, in order."""
    return tuple(split_key(key_form(text)))
