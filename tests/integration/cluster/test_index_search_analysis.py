"""The analysers of Elasticsearch against the Python chain: the same keys, stems and positions."""
# ruff: noqa: RUF001 - letters that look like others are the point

import gzip
import json
import unicodedata
from collections.abc import Iterator, Sequence
from itertools import islice

import pytest
from elasticsearch import Elasticsearch

from marsad.arabic import tokenize
from marsad.config import ElasticsearchSettings, eval_data_dir
from sinks.index.analysis import KEY, STEM, analysis
from sinks.index.client import connect

pytestmark = pytest.mark.cluster

ARTICLES = 2_000
TOGETHER = 60
HARD = [
    # stacked prefixes, and words too short for them
    "وبالتعاون فبالتعاون وكالمعتاد فكالبرق وللدفاع فللجيش بالأمر كالعادة والدفاع فالجيش للجيش الجيش ووزير",
    "وبال وبالا وبالاب وللا وللاب فلل فللا فللاب وكال وكالة وكالات والي والية وال ولد وزن ولدي وما",
    "بال كال لل ال و ف وف ففف وو ووو وووو بالا كالاب للاب الاب",
    # suffixes one after the other
    "مدرستها مدرستان مدرسات معلمون معلمين عسكرية عسكريه كتابي بيتهاان اتاتات هاهاها ينونات يهه ييه نيه بنيه ها ان",
    # no Arabic letter first
    "1439هـ 20ه covidي bbcعربي والbbc الcovidي و2 و20 x86_64 ال3 الf16ات",
    # marks, tatweel, invisible controls, and nothing else in a word
    "اتِّفـــاقٌ التعاونُ ــــ ـ ـَ هٰذا الرحمٰن مي\u200cخواهد \u202bعربي\u202c \u200f،\u200e كـ\u200dـتاب ab\u00adcd \ufeffنص",
    "أإآٱاى ي ئ ؤ ء ة ه ۀ ہ ھ ە ک ڪ ك پ چ ژ ڤ گ ی ې ے",
    # presentation forms and ligatures
    "ﺍﻟﺘﻌﺎﻭﻥ ﻻ ﻷ ﷲ ﷺ ﷻ ﷼ ﷽ ﹰ ﹷ aﹰb ﱞ ﻣﺤﻤﺪ",
    # digits of all kinds
    "٢٠٢٦ ۲۰۲۶ 2026 ١٫٥ ١٬٠٠٠ 1.5 ½ ² ③ ⅷ Ⅷ १२३ 1️⃣",
    # signs whose letters would become words
    "a™ №5 25℃ ℅ ㏒1 5㎏ … ‥ a…b € 10٪ ١٠% A℡B 🅰 🇩🇿 a🅱b",
    # Latin with its marks, in one character or two; other alphabets
    "Été ÉTÉ été E\u0301te\u0301 naïve nai\u0308ve Straße STRASSE İstanbul ISTANBUL ıi ﬁn œuvre Œ Æ ŉ ſ ẞ ǅ K Å",
    "ΣΑΣ σας Ά Α\u0301 ΐ Москва Й И\u0306 Ёлка שלום שָׁלוֹם שׁ ＡＢＣ１２３ ｆｕｌｌ日本語 한국어 ไทย हिन्दी",
    # what splits
    "#وسم_ثان a_b a.b a-b a'b don’t user@news.example https://news.example/1?q=خبر\u00a0x\u2028y\u0085z\x00w\tv",
    "كلمة،كلمة؛كلمة؟كلمة!كلمة…كلمة«كلمة»(كلمة)[كلمة]ـكلمة",
    "é\u0301 a\u0301\u0327b \u0301abc ab\u0301 1\u20e3 x\ufe0f y\u0300\u0301z",
    "😀كلمة😀 👨‍👩‍👧 \U0001d11e a\U0001f600b",
]


@pytest.fixture
def analyser(elastic: ElasticsearchSettings) -> Iterator[Elasticsearch]:
    """A client whose index ``{prefix}-analysis`` analyses any length of text."""
    with connect(elastic) as client:
        settings = {"index": {"number_of_replicas": 0, "analysis": analysis(), "analyze": {"max_token_count": 10**6}}}
        client.indices.create(index=f"{elastic.prefix}-analysis", settings=settings)
        yield client


def differences(client: Elasticsearch, index: str, text: str) -> list[tuple[str, str, str]]:
    """Where the two sides give another token: the analyser, Python's token and the server's."""
    tokens = tokenize(text)
    found = []
    for name, wanted in ((KEY, tokens.keys), (STEM, tokens.stems)):
        answer = client.indices.analyze(index=index, analyzer=name, text=text)["tokens"]
        given = [each["token"] for each in answer]
        assert [each["position"] for each in answer] == list(range(len(answer)))
        if len(given) != len(wanted):
            found.append((name, f"{len(wanted)} tokens: {wanted}", f"{len(given)}: {given}"))
        found += [(name, ours, theirs) for ours, theirs in zip(wanted, given, strict=False) if ours != theirs]
    return found


@pytest.mark.parametrize("text", HARD)
def test_hard_words_give_the_same_tokens(analyser: Elasticsearch, elastic: ElasticsearchSettings, text: str) -> None:
    assert differences(analyser, f"{elastic.prefix}-analysis", text) == []


def texts_of_articles() -> Iterator[str]:
    """Titles, descriptions and texts of real articles."""
    path = eval_data_dir() / "ant-2018-h1.jsonl.gz"
    if not path.is_file():
        pytest.skip(f"{path} is not there: MARSAD_EVAL_DATA names the folder of real articles")
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        for line in islice(lines, ARTICLES):
            article = json.loads(line)
            yield from (article.get(name) or "" for name in ("title", "abstract", "text"))


def batches(texts: Iterator[str]) -> Iterator[str]:
    while some := list(islice(texts, TOGETHER)):
        yield "\n".join(some)


def test_real_articles_give_the_same_tokens(analyser: Elasticsearch, elastic: ElasticsearchSettings) -> None:
    tokens, found = 0, []
    for text in batches(texts_of_articles()):
        tokens += len(tokenize(text))
        found += differences(analyser, f"{elastic.prefix}-analysis", text)
    print(f"{tokens} tokens, {len(found)} differences")
    assert found == []
    assert tokens > 100 * ARTICLES


def characters(ranges: Sequence[tuple[int, int]]) -> Iterator[str]:
    for first, last in ranges:
        yield from (chr(code) for code in range(first, last + 1) if unicodedata.category(chr(code)) not in {"Cn", "Co"})


def test_every_character_that_news_is_written_in_gives_the_same_tokens(
    analyser: Elasticsearch, elastic: ElasticsearchSettings
) -> None:
    """Alone, at both ends and in the middle of a word: Latin, Greek, Cyrillic, Hebrew, Arabic, signs, forms."""
    apart = "\u0345"  # the Greek iota below, which becomes a letter only beside others
    some = characters([(0, 0x0FFF), (0x1D00, 0x2BFF), (0xFB00, 0xFF5E), (0x1F000, 0x1FAFF)])
    text = "\n".join(f"{each} ج{each}د {each}ر ز{each} ." for each in some if each != apart)

    assert differences(analyser, f"{elastic.prefix}-analysis", text) == []
