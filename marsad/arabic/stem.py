"""A light stemmer for one search sub-field.

Never used for names, topics or alerts: stemming makes لبن of لبنان. There the forms of a term are generated instead.
"""

# Lucene's ArabicStemmer knows ال وال بال كال فال لل و. The stacked ones are ours: Lucene leaves وبالتعاون whole.
_PREFIXES = (
    "وبال", "فبال", "وكال", "فكال",
    "وال", "بال", "كال", "فال", "ولل", "فلل",
    "ال", "لل",
    "و",
)  # fmt: skip

# In key form ية is يه and ة is ه, so that two of Lucene's ten suffixes fall together with others.
_SUFFIXES = ("ها", "ان", "ات", "ون", "ين", "يه", "ه", "ي")

_SHORTEST = 2


def stem(key: str) -> str:
    """Return the light stem of one word in key form.

    Args:
        key: A single word as ``key_form`` gives it.

    Returns:
        The stem, of two letters or more where the key has as many; Latin words and numbers unchanged.

    Reimplements light10 (L. Larkey, L. Ballesteros, M. Connell, "Light Stemming for Arabic Information Retrieval",
    2007) with the length conditions of Lucene's ArabicStemmer, and strips stacked proclitics first.
    """
    if not _is_arabic(key):
        return key
    # Asked for all together first: most words end at once.
    if key.startswith(_PREFIXES):
        for prefix in _PREFIXES:
            if key.startswith(prefix) and len(key) >= _least_length(prefix):
                key = key[len(prefix) :]
                break
    if key.endswith(_SUFFIXES):
        for suffix in _SUFFIXES:
            if key.endswith(suffix) and len(key) >= len(suffix) + _SHORTEST:
                key = key[: -len(suffix)]
    return key


def _least_length(prefix: str) -> int:
    # A lone و must leave three letters: it begins many short words (وزن, ولد).
    return len(prefix) + (3 if len(prefix) == 1 else _SHORTEST)


def _is_arabic(key: str) -> bool:
    return "\u0600" <= key[:1] <= "\u06ff" and not key[:1].isdigit()
