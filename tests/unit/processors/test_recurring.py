import pytest
from hypothesis import given
from hypothesis import strategies as st

from marsad.taxonomy import load_taxonomy
from marsad.testing.factories import a_feed, an_entry
from processors.pipe import PipeExtractor
from processors.pipeline import Pipeline
from processors.recurring import RecurringLines

LABEL = "نشرة الأفق المسائية في بريدك"
SENTENCE = "تصدر صحيفة الأفق من العاصمة منذ ثلاثين عاما وتعنى بشؤون الموانئ والتجارة البحرية."


def own(number: int) -> list[str]:
    return [f"وصلت السفينة رقم {number} إلى الميناء صباح اليوم.", f"ويبلغ طولها {number} أمتار."]


def read(memory: RecurringLines, number: int, *lines: str, outlet: str = "الأفق") -> list[str]:
    return memory.without(outlet, f"خبر {number}", [*own(number), *lines])


def test_a_label_that_four_articles_have_is_dropped_from_the_fourth_on() -> None:
    memory = RecurringLines()
    found = [read(memory, number, LABEL) for number in range(6)]
    assert [LABEL in lines for lines in found] == [True, True, True, False, False, False]
    assert found[5] == own(5)


def test_a_sentence_needs_more_articles_and_most_of_them() -> None:
    memory = RecurringLines()
    found = [SENTENCE in read(memory, number, SENTENCE) for number in range(8)]
    assert found == [True] * 5 + [False] * 3
    seldom = RecurringLines()
    for number in range(60):
        lines = [SENTENCE] if number % 3 == 0 else []
        assert read(seldom, 100 + number, *lines) == [*own(100 + number), *lines]


def test_a_label_that_few_articles_have_is_dropped_once_that_has_gone_on_for_long() -> None:
    memory = RecurringLines()
    kept = [LABEL in read(memory, number, *([LABEL] if number % 10 == 0 else [])) for number in range(200)]
    assert kept[::10] == [True] * 11 + [False] * 9


def test_background_that_is_repeated_for_some_days_stays() -> None:
    memory = RecurringLines()
    for number in range(290):
        lines = [SENTENCE] if number % 10 == 0 else []
        assert read(memory, number, *lines) == [*own(number), *lines]


def test_words_in_quotation_marks_are_never_dropped() -> None:
    memory = RecurringLines()
    quote = "وقال «لن نتراجع»"
    assert all(quote in read(memory, number, quote) for number in range(20))


def test_one_article_that_comes_again_is_no_recurrence() -> None:
    memory = RecurringLines()
    assert all(memory.without("الأفق", "خبر", [*own(1), LABEL]) == [*own(1), LABEL] for _ in range(20))


def test_outlets_do_not_learn_from_one_another_and_those_without_a_name_learn_nothing() -> None:
    memory = RecurringLines()
    for number in range(10):
        read(memory, number, LABEL)
        assert LABEL in read(memory, number, LABEL, outlet="")
    assert LABEL in read(memory, 11, LABEL, outlet="الشاطئ")


def test_an_article_of_nothing_but_recurring_lines_keeps_them() -> None:
    memory = RecurringLines()
    for number in range(10):
        read(memory, number, LABEL)
    assert memory.without("الأفق", "آخر", [LABEL]) == [LABEL]


def test_a_line_that_is_given_up_by_its_outlet_is_text_again() -> None:
    memory = RecurringLines()
    for number in range(20):
        read(memory, number, LABEL)
    for number in range(20, 2500):
        read(memory, number)
    assert LABEL in read(memory, 2500, LABEL)


def test_the_memory_is_bounded() -> None:
    memory = RecurringLines(outlets=3)
    for number in range(500):
        memory.without(f"منفذ {number % 10}", f"خبر {number}", [f"سطر {number // 20} {part}" for part in range(300)])
    assert len(memory._outlets) == 3
    for outlet in memory._outlets.values():
        assert (len(outlet.once), len(outlet.again), len(outlet.titles)) <= (384, 64, 64)


@given(st.lists(st.lists(st.text(max_size=30), max_size=6), max_size=30))
def test_what_is_left_are_lines_in_their_order(articles: list[list[str]]) -> None:
    memory = RecurringLines()
    for number, lines in enumerate(articles):
        rest = iter(lines)
        kept = memory.without("الأفق", str(number), lines)
        assert all(line in rest for line in kept)
        assert bool(kept) == bool(lines)


def test_the_pipeline_drops_them_from_text_and_lead() -> None:
    pipeline = Pipeline.build(load_taxonomy(None))
    for number in range(8):
        html = "".join(f"<p>{line}</p>" for line in (LABEL, *own(number)))
        entry = an_entry(guid=str(number), title=f"خبر {number}", summary_html="", content_html=html)
        article = pipeline.stateless(entry, a_feed(full_text=True))
    assert article.text.split("\n") == own(7)
    assert not article.lead.startswith(LABEL)


@pytest.mark.parametrize(("url", "dropped"), [("https://alofoq.example/1", True), ("", False)])
def test_the_filter_learns_them_for_a_run(url: str, dropped: bool) -> None:
    filter_ = PipeExtractor()
    for number in range(8):
        body = "".join(f"<p>{line}</p>" for line in (*own(number), *own(number * 10), LABEL))
        found = filter_({"url": url, "html": f'<h1>خبر {number}</h1><div class="article-body">{body}</div>'})
    assert (LABEL not in found["text"]) == dropped
