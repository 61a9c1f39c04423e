"""Which of the languages in Arabic script a text is in.

Letters decide first: Persian, Urdu, Kurdish, Uyghur and Pashto each write letters that Arabic has not. Function words and
the article decide where keyboards mix the letters. Languages in other scripts are no concern of this module.
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

# Letters of one language (or few) among those in Arabic script.
_LETTERS: Final = {
    "ur": "ٹڈڑےںہ",
    "ckb": "ەۆێڕڵ",
    "ug": "ېۇۈۋڭ",
    "ps": "ټډړږښڼځڅۍېګ",
    "fa": "پچژگکی",
}

# The commonest function words of each, in its own letters, and in Arabic letters where keyboards lack its own.
_WORDS: Final = {
    "ur": "ہے میں کے کی کا اور سے کو نے پر ہیں تھا نہیں اس ایک",
    "ckb": "لە بە و کە ئەو ئەم بۆ دا لەگەڵ کرد هەر بوو یان",
    "ug": "ۋە بىلەن بۇ ئۇ بىر ئۈچۈن دەپ كېرەك ئىدى",
    "ps": "په چې ته دی کې سره دغه څخه وي شوي",
    "fa": "و در از که این است را با برای آن شد می های اين مي كه يك شود کرد",
}
# The last three are as Persian keyboards write them.
_ARABIC_WORDS: Final = frozenset(
    {"في", "من", "على", "إلى", "عن", "أن", "التي", "الذي", "هذا", "هذه", "مع", "بعد", "كان", "لم", "هو", "هي", "بين"}
) | {"فی", "علی", "إلی"}
_SHARED_WORDS: Final = frozenset({"و", "ما", "لا"})
_WORD_SETS: Final = {language: frozenset(words.split()) - _SHARED_WORDS for language, words in _WORDS.items()}

# A letter of one's own says more than Persian's six, which Urdu, Kurdish and Pashto write too.
_LETTER_WEIGHT: Final = {"ur": 3.0, "ckb": 3.0, "ug": 4.0, "ps": 3.0, "fa": 0.2}
_WORD_WEIGHT: Final = 2.0
_FUNCTION_WORDS: Final = 3

# One word in four of Arabic begins with ال, hardly any of the others' do.
_ARTICLE_SHARE: Final = 0.12
_ARTICLES: Final = 2
_LEAST_SHARE: Final = 0.15


def arabic_share(text: str) -> float:
    """Return the share of letters that are of Arabic script; 0 where there are no letters."""
    # Counted by words, not by letters: a fifth of the time. Tatweel is a letter for Python; it is none.
    letters = sum(map(len, _WORD.findall(text))) - text.count("\u0640")
    return sum(map(len, _ARABIC_SCRIPT.findall(text))) / letters if letters > 0 else 0.0


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
    """Return the language of a text in Arabic script, as ISO 639-1 (ckb for Sorani).

    Args:
        text: A sentence or more; forty letters are enough.

    Returns:
        "ar", "fa", "ur", "ckb", "ug" or "ps"; None for a text with no or hardly any Arabic script.
    """
    if arabic_share(text) < _LEAST_SHARE:
        return None
    text = strip_marks(text)
    words = _WORD.findall(text)
    rule = letter_rule(text)
    arabic = sum(map(_ARABIC_WORDS.__contains__, words))
    if rule == "other":
        other = _other(text, words)
        return "ar" if _has_articles(words) and arabic * _WORD_WEIGHT >= _words_of(other, words) else other
    # Persian typed with Arabic letters: its function words give it away.
    if not _has_articles(words) and _words_of("fa", words) >= _WORD_WEIGHT * max(_FUNCTION_WORDS, arabic + 1):
        return "fa"
    return "ar"


def _has_articles(words: list[str]) -> bool:
    articles = len(_ARTICLE.findall(" ".join(words)))
    return articles >= _ARTICLES and articles >= _ARTICLE_SHARE * len(words)


def _words_of(language: str, words: list[str]) -> float:
    return _WORD_WEIGHT * sum(map(_WORD_SETS[language].__contains__, words))


def _other(text: str, words: list[str]) -> str:
    """Return the likeliest language but Arabic."""
    letters = Counter(text)

    def score(language: str) -> float:
        own = sum(letters[letter] for letter in _LETTERS[language])
        return _LETTER_WEIGHT[language] * own + _words_of(language, words)

    return max(_LETTERS, key=score)
