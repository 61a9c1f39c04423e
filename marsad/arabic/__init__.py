"""Arabic text: keys, tokens, stems and forms; encodings, direction, language and dates."""

from marsad.arabic.bidi import balance, isolate_latin, isolated, shown, strip_controls
from marsad.arabic.charset import decode
from marsad.arabic.dates import FoundDate, find_dates
from marsad.arabic.feeddates import ParsedDate, parse_date
from marsad.arabic.forms import expand, proclitic_forms
from marsad.arabic.keyform import key_form, key_words, strip_marks
from marsad.arabic.language import arabic_share, detect, letter_rule, reads_from_the_right
from marsad.arabic.repair import repair
from marsad.arabic.stem import stem
from marsad.arabic.tokens import Tokens, tokenize

__all__ = [
    "FoundDate",
    "ParsedDate",
    "Tokens",
    "arabic_share",
    "balance",
    "decode",
    "detect",
    "expand",
    "find_dates",
    "isolate_latin",
    "isolated",
    "key_form",
    "key_words",
    "letter_rule",
    "parse_date",
    "proclitic_forms",
    "reads_from_the_right",
    "repair",
    "shown",
    "stem",
    "strip_controls",
    "strip_marks",
    "tokenize",
]
