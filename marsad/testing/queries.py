"""Articles and queries by the thousand, the same for the same seed: with them the compilers are held against each other."""

from collections.abc import Iterable, Iterator
from datetime import timedelta
from random import Random
from typing import Final

from marsad.arabic import key_form, tokenize
from marsad.records import Article, CountryTag, EntityTag, Place, TopicTag
from marsad.testing.factories import NOW, an_article

__all__ = ["QueryMaker", "sample_articles"]

_OUTLETS: Final = ("قناة الشرق", "Gulf News", "وكالة_الأنباء.1", "صحيفة «اليوم»")
_NAMED: Final = ("Algeria", "الجزائر", "NATO", '"United Nations"', "Russia^2", "أوبك")
_TITLE_WORDS: Final = 8


def sample_articles(sentences: Iterable[str], count: int, *, seed: int = 0) -> Iterator[Article]:
    """Yield articles put together from tagged sentences.

    Args:
        sentences: lines ``topics | countries | sentence``, topics and countries separated by spaces.
        count: how many articles.
        seed: of all that is chosen.
    """
    random = Random(seed)  # noqa: S311  # nothing here is secret
    rows = [tuple(part.strip() for part in line.split("|", 2)) for line in sentences if line.strip()]
    for number in range(count):
        chosen = [rows[number % len(rows)], *random.sample(rows, random.randint(1, 4))]
        random.shuffle(chosen)
        yield _article(random, number, chosen)


def _article(random: Random, number: int, chosen: list[tuple[str, ...]]) -> Article:
    texts = [text for _, _, text in chosen]
    body = "\n".join(texts)
    lead = random.choice(("", texts[0], texts[0] + "..", texts[-1]))
    topics = dict.fromkeys(topic for row in chosen for topic in row[0].split())
    countries = dict.fromkeys(code for row in chosen for code in row[1].split())
    published = NOW - timedelta(minutes=random.randint(0, 20_000), microseconds=random.randint(0, 10**6))
    return an_article(
        article_id=f"{number:032x}",
        title=" ".join(random.choice(texts).split()[: random.randint(2, _TITLE_WORDS)]),
        lead=lead,
        text=body if random.random() < 0.9 else "",  # noqa: PLR2004  # some have no body
        outlet=random.choice(_OUTLETS),
        language=random.choice(("ar", "ar", "ar", "en")),
        published_at=published,
        first_seen_at=published,
        feed_ids=tuple(random.sample(("feed-1", "feed-2", "feed-3"), random.randint(1, 2))),
        topics=tuple(TopicTag(topic, random.choice((1.0, 1.25, 2.0))) for topic in topics),
        countries=tuple(CountryTag(code, 1) for code in countries),
        places=tuple(Place(name, "DZ", 36.7, 3.1, 2507480) for name in ("الجزائر العاصمة",) if "DZ" in countries),
        entities=tuple(EntityTag("Q1", "organisation", "أوبك", "OPEC") for topic in topics if topic == "energy"),
        story_id=f"story-{number % 11}",
    )


class QueryMaker:
    """Writes random queries of every kind, mostly of words and values that the articles have.

    Args:
        articles: where words, phrases and values are taken from.
        seed: of all that is chosen.
    """

    def __init__(self, articles: Iterable[Article], *, seed: int = 0) -> None:
        self._random = Random(seed)  # noqa: S311  # nothing here is secret
        self._articles = list(articles)
        self._leaves = (
            self._word, self._word, self._phrase, self._phrase, self._wildcard, self._keyword, self._range, self._name
        )  # fmt: skip

    def query(self, depth: int = 3) -> str:
        """A query whose groups are nested up to ``depth``."""
        random = self._random
        if depth == 0 or random.random() < 0.25:  # noqa: PLR2004  # a quarter of the branches end early
            return random.choice(self._leaves)()
        if random.random() < 0.2:  # noqa: PLR2004  # a fifth are negations
            return f"NOT ({self.query(depth - 1)})"
        link = random.choice((" ", " AND ", " OR ", " OR ", " -"))
        return "(" + link.join(self.query(depth - 1) for _ in range(random.randint(2, 3))) + ")"

    def _words(self) -> list[str]:
        while True:
            article = self._random.choice(self._articles)
            words = self._random.choice((article.title, article.lead, article.text)).split()
            if words:
                return words

    def _scope(self) -> str:
        return self._random.choice(("", "", "", "title:", "text:", "عنوان:"))

    @staticmethod
    def _plain(word: str) -> str:
        tokens = tokenize(word)
        return word[tokens.starts[0] : tokens.ends[0]] if tokens.keys else "في"

    def _word(self) -> str:
        word = self._plain(self._random.choice(self._words()))
        change = self._random.choice(("", "", "و", "ال", "strip"))
        word = word.removeprefix("ال") or word if change == "strip" else change + word
        return f"{self._scope()}{word}{self._random.choice(('', '', '^2'))}"

    def _phrase(self) -> str:
        words = self._words()
        start = self._random.randrange(len(words))
        taken = words[start : start + self._random.randint(1, 5)]
        slop = self._random.choice((0, 0, 1, 3, 9))
        if slop and len(taken) > 2:  # noqa: PLR2004  # only an inner word can be left out
            del taken[self._random.randrange(1, len(taken) - 1)]
        if self._random.random() < 0.1:  # noqa: PLR2004  # some in an order that is not in the text
            self._random.shuffle(taken)
        text = " ".join(self._plain(word) for word in taken)
        text = text.removeprefix("و") if self._random.random() < 0.3 and len(text) > 3 else text  # noqa: PLR2004
        return f'{self._scope()}"{text}"' + (f"~{slop}" if slop else "")

    def _wildcard(self) -> str:
        word = key_form(self._plain(self._random.choice(self._words())))
        if len(word) < 4:  # noqa: PLR2004  # two letters must come first
            return f"{self._scope()}في*"
        cut = self._random.randint(3 if word.startswith("ال") else 2, len(word) - 1)
        ending = self._random.choice(("*", "*", f"?{word[cut + 1 :]}", f"*{word[-1]}", "??*"))
        return f"{self._scope()}{word[:cut]}{ending}"

    def _name(self) -> str:
        """A name that has others; words in a row, which rank by each other."""
        words = " ".join(self._plain(word) for word in self._words()[:3])
        return f"{self._scope()}{self._random.choice((*_NAMED, f'({words})'))}"

    def _keyword(self) -> str:
        random = self._random
        article = random.choice(self._articles)
        values = [
            *(f"topic:{topic.id}" for topic in article.topics),
            *(f"country:{country.code.lower()}" for country in article.countries),
            f'outlet:"{article.outlet or "*"}"',
            f"story:{article.story_id or '*'}",
            f"feed:({' OR '.join(article.feed_ids) or '*'})",
            f"lang:{article.language or '*'}",
            "entity:(opec OR Q1)",
            'مكان:"الجزائر العاصمة"',
            random.choice(("topic:*", "country:*", "entity:*", "place:*")),
            "بلد:(روسيا OR مصر)",
            "*",
        ]
        return random.choice(values)

    def _range(self) -> str:
        random = self._random
        day = (NOW - timedelta(days=random.randint(0, 14))).date()
        second = random.choice(self._articles).published_at.replace(microsecond=0, tzinfo=None).isoformat()
        return random.choice(
            (
                f"published:{day}",
                f"published:>{day}",
                f"published:<={day}",
                f"published:[{second}Z TO now]",
                f"published:{{{second}Z TO *]",
                f"published:>now-{random.randint(1, 14)}d",
                "نشر:(today OR yesterday)",
                f"score:>={random.choice((1, 1.25, 2))}",
                f"score:<{random.choice((1, 1.25, 2))}",
                "score:1.25",
            )
        )
