"""When a story is divided: what it takes, what stays, what readers are told."""

from itertools import pairwise

import msgspec
import pytest

from marsad.events import Outcome
from marsad.records import Article, Trigger
from marsad.records.ids import split_story_id, story_id, story_root
from marsad.streams import partition_of
from marsad.testing.factories import NOW, a_story, a_subscription, an_article
from processors import group
from processors.article_stream import Shelved, article_message
from processors.group import Grouper, Grouping
from processors.grouping.features import Document
from processors.grouping.split import second_event
from processors.match import Matcher


def documents(events: str, *, copies: dict[int, int] | None = None) -> list[Document]:
    found = [Document(f"{number}{event}", number, 0.0, 0.0) for number, event in enumerate(events)]
    for copy, original in (copies or {}).items():
        found[copy].root = found[original].key
    return found


def by_letter(one: Document, other: Document) -> float:
    """One event where the letters agree; ``b`` and ``B`` are near."""
    if one.key[-1] == other.key[-1]:
        return 2.0
    return -1.0 if one.key[-1].lower() == other.key[-1].lower() else -6.0


def told(members: list[Document]) -> str:
    return "".join(each.key for each in second_event(members, by_letter))


def test_articles_that_nothing_holds_to_the_first_tell_a_second_event() -> None:
    assert told(documents("aaabab" + "b")) == "3b5b6b"


@pytest.mark.parametrize(
    "events", ["aaaaaa", "aaaabb", "abbbbb", "aaabbc"], ids=["one", "two of it", "one left", "few"]
)
def test_a_part_of_fewer_than_three_stays(events: str) -> None:
    assert told(documents(events)) == ""


def test_parts_that_are_near_stay_together() -> None:
    assert told(documents("bbbBBB")) == ""


def test_one_article_that_tells_both_holds_them_together() -> None:
    members = documents("aaabbbx")

    def bridged(one: Document, other: Document) -> float:
        return 1.0 if "x" in one.key + other.key else by_letter(one, other)

    assert second_event(members, bridged) == []


def test_a_copy_goes_with_its_original() -> None:
    assert told(documents("aaabbba", copies={6: 3})) == ""


PORT = "رست سفينة الشحن أوراليا في ميناء كاستور بعد عطل في محركها وقال قبطانها إن طاقمها سالم وإن إصلاح المحرك يتطلب يومين رقم"
TRIAL = "أدانت محكمة بلدة نورفيك رجل الأعمال سوليان بتزوير عقود الأراضي وحكم عليه القاضي بغرامة مالية كبيرة ومصادرة أملاكه رقم"
LATER = [
    an_article(
        article_id=f"{number:032x}",
        title="سفينة أوراليا في ميناء كاستور" if number < 3 else "محكمة نورفيك تدين سوليان",
        text=f"{PORT if number < 3 else TRIAL} {number + 100}",
        outlet=f"outlet-{number}",
        published_at=NOW,
    )
    for number in range(8)
]


@pytest.fixture
def drifting(monkeypatch: pytest.MonkeyPatch) -> None:
    """Everything joins the first story and nothing is a copy, as in a story that drifts."""

    def fitting(grouper: Grouper, *_: object) -> list[group._Fitting]:
        stories = list(grouper._members)
        return [group._Fitting(1.0, story, story) for story in stories[-1:]]

    monkeypatch.setattr(Grouper, "_fitting", fitting)
    monkeypatch.setattr(group, "_original", lambda *_: None)


def filed(articles: list[Article]) -> tuple[list[Grouping], dict[str, str]]:
    grouper = Grouper()
    found = []
    stories: dict[str, str] = {}
    for article in articles:
        grouping = grouper.assign(article)
        found.append(grouping)
        off = next((each.story_id for each in (grouping.story, *grouping.also) if each.split_from), "")
        stories |= {article.article_id: grouping.story_id} | dict.fromkeys(grouping.moved, off)
    return found, stories


FIRST = story_id(LATER[0].article_id)


@pytest.mark.usefixtures("drifting")
def test_the_older_part_keeps_the_id_and_the_other_says_where_it_came_from() -> None:
    found, stories = filed(LATER[:6])
    assert [each.story_id for each in found[:5]] == [FIRST] * 5
    assert list(stories.values()) == [FIRST] * 3 + [split_story_id(FIRST)] * 3
    records = {story.story_id: story for story in (found[5].story, *found[5].also)}
    assert {name: (story.size, story.split_from) for name, story in records.items()} == {
        FIRST: (3, ""),
        split_story_id(FIRST): (3, FIRST),
    }
    assert found[5].moved == tuple(each.article_id for each in LATER[3:5])
    assert records[FIRST].edition > found[4].story.edition


@pytest.mark.usefixtures("drifting")
def test_it_comes_out_the_same_each_time_and_a_story_is_split_once() -> None:
    many = [
        *LATER,
        *(msgspec.structs.replace(each, article_id=f"{number:032x}") for number, each in enumerate(LATER * 2, 50)),
    ]
    assert filed(many) == filed(many)
    splits = [each for each in filed(many)[0] if each.moved]
    assert len(splits) == 1


@pytest.mark.usefixtures("drifting")
@pytest.mark.parametrize("place", range(9))
def test_after_a_restart_both_parts_are_as_they_were(place: int) -> None:
    whole = Grouper()
    before: dict[str, Article] = {}
    for article in LATER[:place]:
        grouping = whole.assign(article)
        before[article.article_id] = msgspec.structs.replace(article, story_id=grouping.story_id)
        for each in grouping.moved:
            before[each] = msgspec.structs.replace(before[each], story_id=split_story_id(FIRST))
    again = Grouper()
    again.restore(before.values())
    for article in LATER[place:]:
        one, other = whole.assign(article), again.assign(article)
        assert (one.story_id, one.moved) == (other.story_id, other.moved)
        # How often a record changed is told by the store, where that is asked.
        assert msgspec.structs.replace(one.story, edition=0) == msgspec.structs.replace(other.story, edition=0)


def test_who_was_alerted_to_a_story_is_not_alerted_to_what_was_split_off() -> None:
    triggers = (Trigger.NEW_STORY, Trigger.STORY_OUTLETS)
    matcher = Matcher([a_subscription(query="*:*", triggers=triggers, story_outlets=1)], now=NOW)
    stories = (a_story(story_id="s", outlets=("أ",)), a_story(story_id="s-split", split_from="s", outlets=("أ",)))
    raised = [
        matcher.match(an_article(article_id=str(number) * 32, story_id=story.story_id), story, None, NOW)
        for number, story in enumerate(stories)
    ]
    assert all(len(alerts) == 2 for alerts in raised)
    for one, other in pairwise([alert.alert_id for alert in alerts] for alerts in raised):
        assert one == other
    assert [alerts[0].story_id for alerts in raised] == ["s", "s-split"]


def test_a_muted_story_is_muted_in_both_parts() -> None:
    matcher = Matcher([a_subscription(query="*:*", muted=("s",))], now=NOW)
    story = a_story(story_id="s-split", split_from="s")
    assert matcher.match(an_article(story_id="s-split"), story, None, NOW) == ()


def test_what_is_split_off_stays_in_the_partition_of_its_articles_and_alerts() -> None:
    for number in range(20):
        name = story_id(str(number))
        article = an_article(story_id=split_story_id(name))
        message = article_message(
            Shelved(article, 1), (a_story(story_id=article.story_id),), None, Outcome.UNCHANGED, 12
        )
        assert message.partition == partition_of(name, 12)
        assert story_root(split_story_id(name)) == story_root(name) == name
