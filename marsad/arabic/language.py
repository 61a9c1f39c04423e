"""Which of the languages in Arabic script a text is in.

Letters decide first: Persian, Urdu, Kurdish, Uyghur, Pashto, Sindhi and Malay each write letters that Arabic has not.
Function words and the article decide where keyboards mix the letters. Languages in other scripts are no concern here.
"""

import re
from collections import Counter
from typing import Final, Literal

from marsad.arabic.keyform import strip_marks

# The letter rule: counted on 204 sentences each it takes no Persian, Urdu or Sorani for Arabic, and misses no Arabic.
_ARABIC_LETTERS: Final = "ةىيكأإ"
_FOREIGN_LETTERS: Final = "پچژگکیٹڈڑےںھہەۆێڕڵ"
_RULE_RATIO: Final = 2

_ARABIC_SCRIPT: Final = re.compile(
    "[\u0620-\u063f\u0641-\u064a\u066e-\u06d3\u06d5\u06ee\u06ef\u06fa-\u06fc\u0750-\u077f\ufb50-\ufdfb\ufe80-\ufefc]+"
)
_WORD: Final = re.compile(r"[^\W\d_]+")
_ARTICLE: Final = re.compile(r"\b(?:[وب]?ال|لل)")

# Letters that tell one language (or few) from the others in Arabic script.
_LETTERS: Final = {
    "ur": "ٹڈڑےںہ",
    "ckb": "ەۆێڕڵ",
    "ug": "ۇۈۋڭ",
    "ps": "ټډړږښڼځڅۍېګ",
    "sd": "ڌڄڃڇڏڊڍڦڙڳڱڻٺٻٽٿڀ۾۽ڪ",
    "ms": "ڠݢڬڽۏ",
    "az": "",
    "fa": "پچژگکی",
}
# One of these is enough where nothing speaks for Arabic: no keyboard and no dialect brings them into it.
_DECISIVE: Final = re.compile("[" + "".join(_LETTERS[each] for each in ("ckb", "ps", "sd", "ms")) + "ٹڈڑےںۇۈۋ]")
# Written for foreign sounds and in dialects too: گوگل, پوتين, ڤيينا, أڭادير, ڨابس.
_BORROWED: Final = "پچژگڤڭڨ"
_FOREIGN: Final = re.compile(f"[{_FOREIGN_LETTERS}{_BORROWED}]|{_DECISIVE.pattern}")
_BORROWED_ONLY: Final = re.compile(f"[^{_FOREIGN_LETTERS.translate(str.maketrans('', '', _BORROWED))}]*")
# Within a word Arabic has neither ة nor ى: Kurdish on Arabic keyboards writes the one, Uyghur the other.
_INNER_TA: Final = re.compile(r"ة(?=[^\W\d_])")
_INNER_YA: Final = re.compile(r"ى(?=[^\W\d_])")

# The commonest function words of each, in its own letters, and in Arabic letters where keyboards lack its own.
_WORDS: Final = {
    "ur": "ہے میں کے کی کا اور سے کو نے پر ہیں تھا نہیں اس ایک",
    "ckb": "لە بە و کە ئەو ئەم بۆ دا لەگەڵ کرد هەر بوو یان",
    "ug": "ۋە بىلەن بۇ ئۇ بىر ئۈچۈن دەپ كېرەك ئىدى",
    "ps": "په چې ته دی کې سره دغه څخه وي شوي د وويل وایي وايي ولسمشر لپاره شوی شوې چي وویل",
    "sd": "جو جي جا کي تي آهي آهن ۾ ۽ مان سان ڪيو",
    "ms": "دان يڠ دري دالم اونتوق انتوق اين ايت اداله دڠن اورڠ تيدق",
    "az": "بیر بو ایله اوچون اولدو اولان دیر سونرا گون ائتدی اولاراق آذربایجان",
    "fa": "و در از که این است را با برای آن شد می های اين مي كه يك شود کرد",
}
# The last three are as Persian keyboards write them.
_ARABIC_WORDS: Final = frozenset(
    {"في", "من", "على", "إلى", "عن", "أن", "التي", "الذي", "هذا", "هذه", "مع", "بعد", "كان", "لم", "هو", "هي", "بين"}
) | {"فی", "علی", "إلی"}
# Words of others in letters that Arabic has, and no words of Arabic; a short one at an edge may be a word cut off.
_TELLING: Final = {
    "fa": frozenset(
        [
            "در",
            "از",
            "را",
            "است",
            "بود",
            "رفت",
            "امروز",
            "براي",
            "كه",
            "سه",
            "بازداشت",
            "گفت",
            "هاي",
            "اند",
            "كردند",
            "شدند",
            "ساخت",
            "همتاي",
        ]
    ),
    "ps": frozenset(["وويل", "وايي", "ولسمشر", "چي", "لپاره"]),
    "sd": frozenset(["آهي", "آهن"]),
}
_SHARED_WORDS: Final = frozenset({"و", "ما", "لا"})
_WORD_SETS: Final = {language: frozenset(words.split()) - _SHARED_WORDS for language, words in _WORDS.items()}

# A letter of one's own says more than Persian's six, which Urdu, Kurdish and Pashto write too.
_LETTER_WEIGHT: Final = {"ur": 3.0, "ckb": 3.0, "ug": 4.0, "ps": 3.0, "sd": 3.0, "ms": 4.0, "az": 0.0, "fa": 0.2}
_WORD_WEIGHT: Final = 2.0
_FUNCTION_WORDS: Final = 3

# One word in four of Arabic begins with ال, hardly any of the others' do.
_ARTICLE_SHARE: Final = 0.12
_ARTICLES: Final = 2
_BORROWED_SHARE: Final = 3
_CUT_OFF: Final = 3
_LEAST_SHARE: Final = 0.15
_MOSTLY: Final = 0.4
"""Share of Arabic letters from which on a line reads from the right; names of ships and companies are long."""


def arabic_share(text: str) -> float:
    """Return the share of letters that are of Arabic script; 0 where there are no letters."""
    # Counted by words, not by letters: a fifth of the time. Tatweel is a letter for Python; it is none.
    letters = sum(map(len, _WORD.findall(text))) - text.count("\u0640")
    return sum(map(len, _ARABIC_SCRIPT.findall(text))) / letters if letters > 0 else 0.0


def reads_from_the_right(text: str) -> bool:
    """Whether a line of mixed text is an Arabic one: most of its letters decide, since many headlines begin with a Latin name."""
    return arabic_share(text) >= _MOSTLY


def letter_rule(text: str) -> Literal["ar", "other"] | None:
    """Tell Arabic from the other languages in Arabic script by its letters.

    Returns:
        "ar" where letters that only Arabic writes (or writes most) are more than twice those it has not; "other" where
        they are not; None where neither occur.
    """
    arabic = sum(map(text.count, _ARABIC_LETTERS))
    foreign = sum(map(text.count, _FOREIGN_LETTERS))
    if not arabic and not foreign:
        return None
    return "ar" if arabic > _RULE_RATIO * foreign else "other"


def detect(text: str) -> str | None:
    """Return the language of a text in Arabic script, as ISO 639-1 (ckb for Kurdish).

    Args:
        text: A sentence or more; forty letters are enough.

    Returns:
        "ar", "fa", "ur", "ckb", "ug", "ps", "sd", "ms" or "az"; None for a text with no or hardly any Arabic script.
    """
    if arabic_share(text) < _LEAST_SHARE:
        return None
    text = strip_marks(text)
    words = _WORD.findall(text)
    articles = len(_ARTICLE.findall(" ".join(words)))
    sure = articles >= _ARTICLES and articles >= _ARTICLE_SHARE * len(words)
    if sure and _FOREIGN.search(text) is None:
        return "ar"
    arabic = sum(map(_ARABIC_WORDS.__contains__, words))
    if not articles and not arabic:
        return _without_arabic(text, words)
    if letter_rule(text) == "other" and not _borrowed(text, words, articles):
        other = _other(text, words)
        return "ar" if sure and arabic * _WORD_WEIGHT >= _words_of(other, words) else other
    # Persian typed with Arabic letters: its function words give it away.
    if not sure and _words_of("fa", words) >= _WORD_WEIGHT * max(_FUNCTION_WORDS, arabic + 1):
        return "fa"
    return "ar"


def _without_arabic(text: str, words: list[str]) -> str:
    """Return the language of a text that has neither an article nor a function word of Arabic."""
    if _DECISIVE.search(text) or len(_INNER_TA.findall(text)) > 1 or len(_INNER_YA.findall(text)) > 1:
        return _other(text, words)
    whole = [*words[1:-1], *(word for word in (words[:1] + words[-1:]) if len(word) > _CUT_OFF)]
    told = {language: sum(map(known.__contains__, whole)) for language, known in _TELLING.items()}
    likeliest = max(told, key=told.__getitem__)
    if told[likeliest]:
        return likeliest
    if letter_rule(text) == "other" and not _borrowed(text, words, 0):
        return _other(text, words)
    return "fa" if _words_of("fa", words) >= _WORD_WEIGHT * _FUNCTION_WORDS else "ar"


def _borrowed(text: str, words: list[str], articles: int) -> bool:
    """Tell whether Arabic borrows its foreign letters for a name or a dialect's word: گوگل تطلق هاتفا جديدا."""
    if _BORROWED_ONLY.fullmatch(text) is None or _DECISIVE.search(text) or not any(map(text.count, _ARABIC_LETTERS)):
        return False
    borrowing = sum(any(map(word.count, _BORROWED)) for word in words)
    return (articles > 0 or borrowing * _BORROWED_SHARE <= len(words) + 1) and not _words_of("fa", words)


def _words_of(language: str, words: list[str]) -> float:
    return _WORD_WEIGHT * sum(map(_WORD_SETS[language].__contains__, words))


def _other(text: str, words: list[str]) -> str:
    """Return the likeliest language but Arabic."""
    letters = Counter(text)
    inner = {"ug": 3 * len(_INNER_YA.findall(text)), "ckb": 3 * len(_INNER_TA.findall(text))}

    def score(language: str) -> float:
        own = sum(letters[letter] for letter in _LETTERS[language])
        return _LETTER_WEIGHT[language] * own + _words_of(language, words) + inner.get(language, 0)

    return max(_LETTERS, key=score)
