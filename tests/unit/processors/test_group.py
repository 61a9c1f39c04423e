from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from marsad.records import Article, Story, TopicTag
from marsad.records.ids import story_id
from marsad.records.story import is_breaking
from processors.group import Grouper, Grouping

START = datetime(2024, 3, 4, 8, 0, tzinfo=UTC)

QUAKE = (
    "ضرب زلزال بقوة ست درجات فاصل اثنتين ولاية هاكوري شمالي الجزيرة فجر الاثنين، وقالت هيئة الرصد إن مركزه يقع على عمق "
    "اثني عشر كيلومترا قرب بلدة ميناسو.\n"
    "وأفاد حاكم الولاية كينجيرو بأن 41 شخصا أصيبوا جراء سقوط سقوف وجدران، وأن التيار انقطع عن 18 ألف منزل.\n"
    "وأغلقت السلطات جسر تاكامي احترازيا، وعلقت حركة القطارات بين ميناسو وأودارا حتى تنتهي فرق الهندسة من فحص السكة.\n"
    "وحذرت الهيئة من هزات ارتدادية خلال الأيام الثلاثة المقبلة، ودعت السكان إلى الابتعاد عن المنحدرات."
)
QUAKE_OTHER = (
    "أصيب عشرات الأشخاص في هزة أرضية عنيفة هزت هاكوري فجرا وألحقت أضرارا بمنازل في ميناسو.\n"
    "وذكرت فرق الإنقاذ أنها انتشلت ثلاثة أشخاص من تحت سقف متجر في ميناسو، وأن المستشفى الوحيد في البلدة يعمل بالمولدات.\n"
    "وتوقف القطار السريع عند أودارا، وبات مئات الركاب ليلتهم في صالة المحطة بعد زلزال هاكوري."
)
HARVEST = (
    "أعلن اتحاد المزارعين أن محصول القمح في سهل البراق بلغ مليوني طن هذا الموسم، بزيادة الخمس عن الموسم الماضي.\n"
    "وعزا رئيس الاتحاد الزيادة إلى أمطار الربيع وإلى بذور محسنة وزعتها محطة البحوث على صغار المزارعين."
)


def article(identity: str, title: str, text: str, hours: float = 0, **fields: object) -> Article:
    at = START + timedelta(hours=hours)
    return msgspec.structs.replace(
        Article(article_id=identity, title=title, text=text, outlet="الأفق", published_at=at, first_seen_at=at),
        **fields,
    )


def groupings(articles: Iterable[Article]) -> list[Grouping]:
    grouper = Grouper()
    return [grouper.assign(each) for each in articles]


FIRST = article("1", "زلزال بقوة 6.2 يضرب هاكوري", QUAKE)


@pytest.mark.parametrize(
    ("title", "text"),
    [
        ("زلزال بقوة 6.2 يضرب هاكوري", QUAKE),
        ("41 مصابا في زلزال هاكوري وتعليق القطارات", QUAKE),
        ("زلزال هاكوري يصيب 41 شخصا", "\n".join(QUAKE.split("\n")[:3])),
        ("زلزال هاكوري: 41 مصابا", QUAKE + "\nوهذا أقوى زلزال تشهده الولاية منذ عشرين عاما بحسب سجلات الهيئة."),
        (
            "زلزال بقوة 6.2 يضرب هاكوري",
            QUAKE.replace("وأفاد", "وذكر").replace("ودعت", "وطالبت").replace("جراء", "بسبب"),
        ),
        ("زِلزال بقوّة 6.2 يضرب هاكــوري", QUAKE.replace("أ", "ا").replace("ة ", "ه ")),
    ],
    ids=["re-published", "re-headlined", "cut", "extended", "lightly edited", "in another spelling"],
)
def test_a_text_published_again_is_a_copy(title: str, text: str) -> None:
    first, second = groupings([FIRST, article("2", title, text, 3, outlet="المرفأ")])
    assert (first.duplicate_of, second.duplicate_of) == ("", "1")
    assert first.story_id == second.story_id == story_id("1")


def test_a_copy_of_a_copy_is_a_copy_of_the_original() -> None:
    found = groupings([FIRST, *(article(str(n), f"زلزال هاكوري {n}", QUAKE, n) for n in range(2, 5))])
    assert [each.duplicate_of for each in found] == ["", "1", "1", "1"]


def test_a_report_in_other_words_joins_the_story_and_is_no_copy() -> None:
    first, second = groupings([FIRST, article("2", "عشرات المصابين في زلزال هاكوري", QUAKE_OTHER, 2)])
    assert second.duplicate_of == ""
    assert second.story_id == first.story_id


def test_another_event_begins_a_story_of_its_own() -> None:
    first, second = groupings([FIRST, article("2", "محصول قياسي للقمح في سهل البراق", HARVEST, 1)])
    assert second.story_id == story_id("2") != first.story_id


def test_the_next_days_bulletin_of_one_form_is_no_copy() -> None:
    form = "أغلق مؤشر السوق عند {} نقطة مرتفعا {} نقطة، وبلغت قيمة التداول {} مليون دينار في {} صفقة شملت {} سهما."
    bulletins = [
        article("1", "المؤشر يغلق عند 7412", form.format(7412, 31, 184, 5210, 96), 0),
        article("2", "المؤشر يغلق عند 7455", form.format(7455, 43, 201, 6034, 88), 24),
    ]
    assert [each.duplicate_of for each in groupings(bulletins)] == ["", ""]


def test_a_revision_keeps_its_story_and_its_place() -> None:
    revised = msgspec.structs.replace(FIRST, text=QUAKE.replace("41", "57"), revision=2)
    first, _, third = groupings([FIRST, article("2", "محصول قياسي للقمح", HARVEST, 1), revised])
    assert (third.story_id, third.duplicate_of, third.story.size) == (first.story_id, "", 1)


def test_an_event_is_not_joined_after_the_window() -> None:
    late = article("2", FIRST.title, QUAKE, 24 * 8)
    assert groupings([FIRST, late])[1].story_id == story_id("2")


def test_what_left_the_window_is_forgotten() -> None:
    grouper = Grouper(days=7)
    for number in range(50):
        grouper.assign(article(str(number), f"محصول القمح {number}", f"{HARVEST} {number}", 24 * number))
    assert len(grouper) == 8
    assert len(grouper._book) <= 8
    assert len(grouper._members) == len(grouper._book)


def test_a_story_tells_its_size_outlets_topics_and_headline() -> None:
    flash = article("1", "عاجل: زلزال يضرب هاكوري", "زلزال عنيف يضرب هاكوري قرب بلدة ميناسو وأنباء عن مصابين.", 0)
    full = article("2", "زلزال بقوة 6.2 يضرب هاكوري", QUAKE, 1, outlet="المرفأ", topics=(TopicTag("disaster", 2.0),))
    copy = article("3", "زلزال هاكوري: 41 مصابا", QUAKE, 2, outlet="النهار الجديد")
    story = groupings([flash, full, copy])[-1].story
    assert story.headline == full.title
    assert (story.size, story.texts) == (3, 2)
    assert story.outlets == ("الأفق", "المرفأ", "النهار الجديد")
    assert story.topics == ("disaster",)
    assert (story.first_seen_at, story.last_seen_at) == (flash.published_at, copy.published_at)


TRAINS = (
    "بات مئات الركاب في صالة محطة كيساكا بعدما ألغت شركة السكك رحلات القطار السريع إلى موريتو، وقالت إن مهندسيها يفحصون "
    "نفق كيساكا.\nوأوضحت الشركة أن القطار السريع لن يعود إلى موريتو قبل مساء الغد، وأنها وزعت أغطية على الركاب."
)
BOTH = (
    "ضرب زلزال هاكوري فجرا فأصاب 41 شخصا في بلدة ميناسو، وألغت شركة السكك رحلات القطار السريع من كيساكا إلى موريتو.\n"
    "وقالت هيئة الرصد إن مركز الزلزال على عمق اثني عشر كيلومترا، وبات مئات الركاب في صالة محطة كيساكا."
)
TWO_AND_THEN_ONE = (
    article("1", "زلزال بقوة 6.2 يضرب هاكوري", QUAKE, 0),
    article("2", "إلغاء رحلات القطار السريع من كيساكا إلى موريتو", TRAINS, 1, outlet="المرفأ"),
    article("3", "زلزال هاكوري يلغي رحلات القطار السريع من كيساكا إلى موريتو", BOTH, 2, outlet="النهار الجديد"),
)


def test_a_report_that_fits_two_stories_makes_them_one_and_both_ids_stay() -> None:
    found = groupings(TWO_AND_THEN_ONE)
    assert [each.story_id for each in found[:2]] == [story_id("1"), story_id("2")]
    last = found[2]
    records = {story.story_id: story for story in (last.story, *last.also)}
    assert set(records) == {story_id("1"), story_id("2")}
    assert records[story_id("2")].merged_into == story_id("1")
    assert records[story_id("1")].merged_into == ""
    assert records[story_id("1")].absorbed == (story_id("2"),)
    assert {story.others for story in records.values()} == {(story_id("1"),), (story_id("2"),)}
    assert records[story_id("1")].size == records[story_id("2")].size == 3
    assert records[story_id("1")].outlets == ("الأفق", "المرفأ", "النهار الجديد")


def test_a_revision_in_a_story_that_ended_keeps_its_id_and_tells_where_it_went_on() -> None:
    revised = msgspec.structs.replace(TWO_AND_THEN_ONE[1], text=TRAINS + " وعاد القطار صباحا.", revision=2)
    last = groupings([*TWO_AND_THEN_ONE, revised])[-1]
    assert last.story_id == last.story.story_id == story_id("2")
    assert last.story.merged_into == story_id("1")
    assert [story.story_id for story in last.also] == [story_id("1")]


def test_large_stories_are_not_made_one() -> None:
    many = [
        article(f"1{n}", "زلزال بقوة 6.2 يضرب هاكوري", QUAKE + f"\nوسجلت الهزة رقم {n}.", n / 60, outlet=str(n))
        for n in range(20)
    ]
    found = groupings([*many, *TWO_AND_THEN_ONE[1:]])
    assert not any(story.merged_into for each in found for story in (each.story, *each.also))


def test_who_reported_first_is_the_earliest_published_whichever_came_first() -> None:
    late = article("1", "زلزال هاكوري: 41 مصابا", QUAKE, 3)
    early = article("2", "زلزال بقوة 6.2 يضرب هاكوري", QUAKE_OTHER, 1, outlet="المرفأ")
    story = groupings([late, early])[-1].story
    assert story.size == 2
    assert story.first_outlet == "المرفأ"


def test_a_story_is_breaking_while_it_grows_faster_than_it_used_to() -> None:
    began = START
    steady = Story(
        story_id="a", headline="", first_seen_at=began, last_seen_at=began + timedelta(hours=30), texts=30, recent=3
    )
    now = steady.last_seen_at + timedelta(minutes=10)
    assert not is_breaking(steady, now)
    assert is_breaking(msgspec.structs.replace(steady, recent=9), now)
    assert not is_breaking(msgspec.structs.replace(steady, recent=9), now + timedelta(hours=4))
    fresh = msgspec.structs.replace(steady, last_seen_at=began + timedelta(hours=1), texts=4, recent=4)
    assert is_breaking(fresh, fresh.last_seen_at)
    assert not is_breaking(msgspec.structs.replace(fresh, texts=2, recent=2), fresh.last_seen_at)


def test_reports_of_the_last_hours_are_counted_without_copies() -> None:
    first = article("1", "زلزال بقوة 6.2 يضرب هاكوري", QUAKE, 0)
    other = article("2", "عشرات المصابين في زلزال هاكوري", QUAKE_OTHER, 5, outlet="المرفأ")
    copy = article("3", "زلزال هاكوري: 41 مصابا", QUAKE, 5.5, outlet="النهار الجديد")
    story = groupings([first, other, copy])[-1].story
    assert (story.size, story.texts, story.recent) == (3, 2, 1)


VOCABULARY = (
    "زلزال هاكوري ميناسو قمح سهل البراق وزير دفاع اتفاق ميناء سفينة مباراة هدف مدرب نفط سعر برميل انتخابات مرشح برلمان"
)
WORDS = VOCABULARY.split()
NEWS = st.lists(
    st.builds(
        lambda title, text, hours: (" ".join(title), " ".join(text), hours),
        st.lists(st.sampled_from(WORDS), min_size=1, max_size=6),
        st.lists(st.sampled_from(WORDS), max_size=30),
        st.integers(0, 40),
    ),
    max_size=25,
)


def _stream(news: list[tuple[str, str, int]]) -> list[Article]:
    hours = 0
    articles = []
    for number, (title, text, gap) in enumerate(news):
        hours += gap
        articles.append(article(str(number), title, text, hours))
    return articles


def _later(each: Article) -> Article:
    return msgspec.structs.replace(each, article_id=f"9{each.article_id}")


@settings(max_examples=40)
@given(NEWS)
def test_the_same_articles_in_the_same_order_give_the_same_groups(news: list[tuple[str, str, int]]) -> None:
    articles = _stream(news)
    assert groupings(articles) == groupings(articles)


@settings(max_examples=40)
@given(NEWS, st.integers(0, 25))
def test_a_restart_at_any_article_changes_nothing(news: list[tuple[str, str, int]], place: int) -> None:
    articles = [*TWO_AND_THEN_ONE, *(_later(each) for each in _stream(news))]
    whole = groupings(articles)
    stored = [
        msgspec.structs.replace(each, story_id=found.story_id, duplicate_of=found.duplicate_of)
        for each, found in zip(articles[:place], whole, strict=False)
    ]
    grouper = Grouper()
    ended = {
        story.story_id: story.merged_into
        for found in whole[:place]
        for story in (found.story, *found.also)
        if story.merged_into
    }
    grouper.restore(stored, lambda story: ended.get(story, story))
    assert [grouper.assign(each) for each in articles[place:]] == whole[place:]


@settings(max_examples=40)
@given(NEWS)
def test_an_original_is_earlier_in_the_same_story_and_no_copy_itself(news: list[tuple[str, str, int]]) -> None:
    articles = _stream(news)
    found = {each.article_id: grouping for each, grouping in zip(articles, groupings(articles), strict=True)}
    for identity, grouping in found.items():
        if grouping.duplicate_of:
            original = found[grouping.duplicate_of]
            assert int(grouping.duplicate_of) < int(identity)
            assert (original.duplicate_of, original.story_id) == ("", grouping.story_id)


@pytest.mark.parametrize("text", ["", "\u064b" * 100, "\ufdfa", "12", "\ud800", "كلمة " * 50_000])
def test_odd_texts_are_grouped_without_an_error(text: str) -> None:
    assert groupings([article("1", text or "عنوان", text), article("2", text or "عنوان", text, 1)])[0].story.size == 1
