"""The closed set of forms of a term: generated, never stripped.

Stripping prefixes and suffixes mangles names; so a term is written out in every form that Arabic grammar gives it, and
these are matched as whole tokens. Forms that nobody writes do no harm: they are never found.
"""

import unicodedata
from collections.abc import Iterable, Iterator
from functools import lru_cache
from itertools import product
from typing import Final

import msgspec

from marsad.arabic.keyform import key_form, strip_marks
from marsad.arabic.tokens import tokenize

Form = tuple[str, ...]

# و and ف (and, then) may stand before ب ل ك (with, for, like), these before ال; ل and ال are written لل.
_BARE: Final = ("", "و", "ف", "ب", "ل", "ك", "وب", "ول", "وك", "فب", "فل", "فك")
_BEFORE_AL: Final = ("", "و", "ف", "ب", "ك", "وب", "فب", "وك", "فك")
_BEFORE_LIL: Final = ("", "و", "ف")
# The accusative cannot follow a preposition.
_BEFORE_ACCUSATIVE: Final = ("", "و", "ف")

_PRONOUNS: Final = ("ه", "ها", "هم", "هن", "هما", "ي", "نا", "ك", "كم", "كن", "كما")

# Words whose ال is of the root or of the foreign name, as they begin in key form: التزام, ألمانيا, إلكتروني, آلية.
_ROOT_AL: Final = (
    "التزام", "التحاق", "التماس", "التهاب", "التفاف", "التباس", "التهام", "التقاط", "التقاء", "التواء", "التئام",
    "الماني", "البان", "الكترون", "الغاء", "اليه", "اليات", "الاف", "الم", "الف", "الي", "الياس", "الكسندر",
)  # fmt: skip
_ROOT_AL_WHOLE: Final = frozenset({"الم", "الف", "الي", "اليه", "الاف"})
_ROOT_AL_BEGINNINGS: Final = tuple(word for word in _ROOT_AL if word not in _ROOT_AL_WHOLE)

# Written apart or as one word: عبد الله عبدالله, أبو ظبي أبوظبي, بن علي بنعلي.
_JOINED_ALWAYS: Final = frozenset({"عبد", "ابو", "ابي", "ابا", "بن"})
_ABU: Final = ("ابو", "ابي", "ابا")

_SHORTEST_JOINED = 6


class _Word(msgspec.Struct, frozen=True):
    """One word of a term: its key without the article, and what its spelling tells of its grammar."""

    base: str
    definite: bool
    accusative: bool
    arabic: bool

    @property
    def given(self) -> str:
        return "ال" + self.base if self.definite else self.base


def expand(
    term: str, *, construct: bool = False, definite: bool = True, proclitics: bool = True, pronouns: bool = False
) -> frozenset[Form]:
    """Return every form of a term, each a tuple of words in key form.

    Args:
        term: One word or several, with or without article, marks, tatweel; Arabic, Latin or digits.
        construct: The words are nouns that own each other (وزير دفاع): the first never takes the article. Otherwise
            further words are adjectives that agree with the first. A term given with a bare first word and a later
            definite one (وزير الدفاع) is a construct without being told.
        definite: The term is a common noun: given without article it also has its definite forms and the alef of the
            indefinite accusative. False for names, which have neither (قطر is no القطر, مالي no ماليا). A term given
            with the article keeps it always: without it the name is another word (المغرب, الجزائر).
        proclitics: Put و ف ب ل ك and their combinations before the first word.
        pronouns: Also the forms with a possessive suffix (تعاونهما العسكري, سياستها).

    Returns:
        The closed set of forms; empty for a term without letters or digits.
    """
    forms: set[Form] = set()
    for surfaces in _spellings(term):
        words = [_read(surface) for surface in surfaces]
        mixed = len(words) > 1 and not words[0].definite and any(word.definite for word in words[1:])
        forms.update(_inflect(words, construct=construct or mixed, definite=definite and not mixed, clitics=proclitics))
        if pronouns:
            forms.update(_possessed(words, construct=construct or mixed, clitics=proclitics))
    return frozenset(forms)


@lru_cache(maxsize=1 << 14)
def proclitic_forms(word: str) -> frozenset[str]:
    """Return the spellings of one word in key form with each proclitic that it can take, as definite as it is given.

    Args:
        word: One word in key form: التعاون covers بالتعاون, للتعاون, وبالتعاون; وزير covers لوزير but not والوزير.

    Returns:
        The spellings, with the word itself. Where ال may be of the root (إلغاء, ألمانيا: the key has lost the hamza),
        both readings are covered.
    """
    forms = {clitic + word for clitic in _BARE}
    if word.startswith("ال") and len(word) > len("ال") + 1:
        forms.update(_with_article(word[2:], clitics=True))
    return frozenset(forms)


def _inflect(words: list[_Word], *, construct: bool, definite: bool, clitics: bool) -> Iterator[Form]:
    """Yield the forms without possessive suffix."""
    if not words:
        return
    first, rest = words[0], words[1:]
    given = tuple(word.given for word in rest)
    if first.definite:
        yield from _product(_with_article(first.base, clitics=clitics), tuple("ال" + word.base for word in rest), given)
        return
    bare = _with_bare(first.base, clitics=clitics)
    yield from _product(bare, given)
    if not definite:
        return
    if not rest or not construct:
        yield from _accusatives(words, clitics=clitics)
    if rest and construct:
        for place in range(len(rest)):
            yield from _product(bare, given[:place] + tuple("ال" + word.base for word in rest[place:]))
    else:
        yield from _product(_with_article(first.base, clitics=clitics), tuple("ال" + word.base for word in rest))


def _accusatives(words: list[_Word], *, clitics: bool) -> Iterator[Form]:
    """Yield the indefinite accusative: تعاونا عسكريا, but زيارة رسمية stays."""
    if not any(word.accusative for word in words) or any(word.definite for word in words):
        return
    first, *rest = (word.base + "ا" if word.accusative else word.base for word in words)
    for clitic in _BEFORE_ACCUSATIVE if clitics else ("",):
        yield (clitic + first, *rest)


def _possessed(words: list[_Word], *, construct: bool, clitics: bool) -> Iterator[Form]:
    """Yield the forms with a possessive suffix, which stands for the article: سياستهم, تعاونهما العسكري, وزير دفاعها."""
    if not words:
        return
    place = len(words) - 1 if construct else 0
    owned = words[place]
    if not owned.arabic:
        return
    before = tuple(word.given for word in words[:place])
    after = tuple("ال" + word.base for word in words[place + 1 :])
    for stem, suffix in product(_suffix_stems(owned.base), _PRONOUNS):
        form = (*before, stem + suffix, *after)
        yield from _product(_with_bare(form[0], clitics=clitics), form[1:])


def _suffix_stems(base: str) -> tuple[str, ...]:
    if base.endswith("ه"):
        return (base[:-1] + "ت",)
    if base.endswith("اء"):  # the hamza takes its seat from the case vowel: وزراؤه, وزرائه, وزراءه
        return (base, base[:-1] + "ؤ", base[:-1] + "ئ")
    if base.endswith("ي"):  # ى is ي in key form: مستشفى, مستشفاه
        return (base, base[:-1] + "ا")
    return (base,)


def _with_bare(word: str, *, clitics: bool) -> list[str]:
    return [clitic + word for clitic in _BARE] if clitics else [word]


def _with_article(base: str, *, clitics: bool) -> list[str]:
    if not clitics:
        return ["ال" + base]
    # Three ل in a row are written two: ل + اللجنة is للجنة.
    lil = "ل" + base if base.startswith("ل") else "لل" + base
    return [clitic + "ال" + base for clitic in _BEFORE_AL] + [clitic + lil for clitic in _BEFORE_LIL]


def _product(firsts: Iterable[str], *rests: Form) -> Iterator[Form]:
    for first in firsts:
        for rest in rests:
            yield (first, *rest)


def _read(surface: str) -> _Word:
    """Read a surface word: only a bare alef begins the article, which the key form no longer tells."""
    key = key_form(surface)
    article = key.startswith("ال") and len(key) > len("ال") + 1 and not _root_al(surface, key)
    base = key[2:] if article else key
    arabic = "\u0621" <= base[:1] <= "\u064a"
    takes_alef = arabic and not base.endswith(("ه", "ا", "اء", "ات")) and not surface.endswith("ى")
    return _Word(base, definite=article, accusative=takes_alef, arabic=arabic)


def _root_al(surface: str, key: str) -> bool:
    return surface[:1] in "أإآ" or key in _ROOT_AL_WHOLE or key.startswith(_ROOT_AL_BEGINNINGS)


def _spellings(term: str) -> set[tuple[str, ...]]:
    """Return the term as words, joined and apart where both are usual."""
    # NFKC joins a loose hamza with its letter and takes ligatures apart; the seat of a hamza must still be seen.
    plain = strip_marks(unicodedata.normalize("NFKC", strip_marks(term)))
    tokens = tokenize(plain)
    words = [plain[start:end] for start, end in zip(tokens.starts, tokens.ends, strict=True)]
    apart: list[str] = []
    for word in words:
        apart.extend(_take_apart(word))
    found = {tuple(words), tuple(apart)} | set(_joins(tuple(apart)))
    found |= {form for known in tuple(found) for form in _abu_cases(known)}
    found.discard(())
    return found


def _take_apart(word: str) -> tuple[str, ...]:
    key = key_form(word)
    if key.startswith("عبدال") and len(key) >= _SHORTEST_JOINED:
        return ("عبد", key[3:])
    if key.startswith("ابوال") and len(key) > _SHORTEST_JOINED:
        return ("ابو", key[3:])
    return (word,)


def _joins(words: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    """Yield a term with one, or all, of its two-part names written together."""
    for place in range(len(words) - 1):
        if key_form(words[place]) in _JOINED_ALWAYS:
            yield (*words[:place], words[place] + words[place + 1], *words[place + 2 :])
    together: list[str] = []
    for word in words:
        if together and key_form(together[-1]) in _JOINED_ALWAYS:
            together[-1] += word
        else:
            together.append(word)
    yield tuple(together)


def _abu_cases(words: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    """Yield أبو in its three cases: أبو الغيط, أبي الغيط, أبا الغيط."""
    for place, word in enumerate(words):
        key = key_form(word)
        if key == "ابو" or (key.startswith("ابو") and len(key) >= _SHORTEST_JOINED):
            for case in _ABU:
                yield (*words[:place], case + key[3:], *words[place + 1 :])
