"""Arabic text: keys, tokens, stems and forms; encodings, direction, language and dates."""

from marsad.arabic.forms import expand, proclitic_forms
from marsad.arabic.keyform import key_form, key_words
from marsad.arabic.stem import stem
from marsad.arabic.tokens import Tokens, tokenize

__all__ = ["Tokens", "expand", "key_form", "key_words", "proclitic_forms", "stem", "tokenize"]
