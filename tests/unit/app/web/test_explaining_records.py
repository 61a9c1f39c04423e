"""What records keep of faults (a poll's answer, a delivery's error, the reason of a quarantine) is told in Arabic."""

import ast
import itertools
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from importlib.resources import files
from importlib.util import find_spec
from ipaddress import ip_network
from pathlib import Path

import httpx
import pytest
from lxml import html

from marsad.clock import SystemClock
from marsad.config import PollSettings
from marsad.errors import FetchError
from marsad.records import Article, DeliveryState, Entry, Feed, FetchRequest, Health, encode
from marsad.streams import Message
from marsad.testing.factories import NOW, a_delivery, a_feed, a_quarantined, an_alert, an_entry
from marsad.testing.fakes import InMemoryStore
from marsad_app.web.explaining import explain, parts_of
from marsad_app.web.reasons import reason_in
from marsad_app.web.texts import Texts
from processors.agents.tagging import incoming, outgoing
from producers.fetch import CurlFetcher
from producers.parse import parse
from producers.testing import History
from sinks.alerts.losing import lost_notice

MODULES = (
    "marsad.records.codec",
    "marsad.streams",
    "marsad_app.cluster.index",
    "marsad_app.embedded.page_stage",
    "marsad_app.embedded.processor",
    "marsad_app.web.services",
    "processors.agents.tagging",
    "processors.article_stream",
    "processors.clean",
    "processors.group_shard",
    "processors.hit_stream",
    "processors.match_shard",
    "processors.spike_shard",
    "producers.completing",
    "producers.fetch",
    "producers.guard",
    "producers.health",
    "producers.pages",
    "producers.poll",
    "producers.sizes",
    "producers.unpack",
    "producers.visit",
    "producers.wire",
    "sinks.alerts.deliver",
    "sinks.alerts.mail",
    "sinks.alerts.outlets",
    "sinks.alerts.plan",
    "sinks.alerts.reach",
    "sinks.alerts.seal",
    "sinks.alerts.shard",
    "sinks.alerts.webhook",
    "sinks.index.boards",
    "sinks.index.bulk",
    "sinks.index.messages",
    "sinks.index.operations",
)
"""Those that make what such records say."""
BEFORE = dict.fromkeys(("producers.fetch", "producers.guard", "producers.unpack", "producers.wire"), "https://x: ")
"""What the fetcher says before the sentences of these."""
TELLING = frozenset(
    {
        "BadEncodingError", "BlockedAddressError", "CodecError", "ConfigError", "FetchError", "OutletGoneError",
        "PoisonError", "TransientError", "Unreadable", "_judged", "_quarantined", "refused", "setdefault",
    }
)  # fmt: skip
"""What is called with such a sentence."""
KEPT = frozenset({"detail", "last_error", "lost", "page_problem", "problem", "reason"})
"""Fields and arguments that hold one."""
ELSEWHERE = {
    "alerts.key has x characters; give it at least x random ones": "told at the start of the program",
    "always now": "a mark of entries",
    "copy of x": "told by programs",
    "next poll in 14 d because x": "an event",
    "not polled again before somebody unmutes it: x": "an event",
    "polled at once: it is new": "an event",
    "what cannot be indexed cannot be put into quarantine: x": "the process tries again",
    "writing to the index was stopped before its end": "ends the program",
}
"""Sentences of these modules that no such record holds, and where they are told."""
QUOTED = re.compile(r"(?:https://x|x|\d+|\W)*")


class Module:
    """The sentences of one module, what they quote replaced by x: addresses by one, lengths of time by 14 d."""

    def __init__(self, name: str) -> None:
        found = find_spec(name)
        assert found is not None
        assert found.origin is not None
        self._tree = ast.parse(Path(found.origin).read_text("utf-8"))
        self._globals = _assigned(self._tree.body)

    def sentences(self) -> Iterator[str]:
        for function in ast.walk(self._tree):
            if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef):
                names = {**self._globals, **_assigned(ast.walk(function))}
                for node in ast.walk(function):
                    for place in _places(node):
                        yield from _texts(place, names)


def _assigned(nodes: Iterable[ast.AST]) -> dict[str, list[ast.expr]]:
    found: dict[str, list[ast.expr]] = {}
    for node in nodes:
        if isinstance(node, ast.Assign | ast.AnnAssign) and node.value is not None:
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            for target in targets:
                if isinstance(target, ast.Name):
                    found.setdefault(target.id, []).append(node.value)
    return found


def _places(node: ast.AST) -> Iterator[ast.expr]:
    """Where a sentence stands that a record keeps."""
    if isinstance(node, ast.Call):
        name = node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")
        yield from node.args if name in TELLING else ()
        yield from (keyword.value for keyword in node.keywords if keyword.arg in KEPT)
    elif isinstance(node, ast.Tuple) and len(node.elts) == 2 and ast.unparse(node.elts[0]).startswith("Health."):
        yield node.elts[1]
    elif isinstance(node, ast.Assign | ast.AnnAssign):
        target = node.targets[0] if isinstance(node, ast.Assign) else node.target
        if isinstance(target, ast.Name) and target.id in KEPT and node.value is not None:
            yield node.value
    elif isinstance(node, ast.Return) and isinstance(node.value, ast.Constant | ast.JoinedStr | ast.IfExp):
        yield node.value


def _texts(node: ast.expr, names: Mapping[str, Sequence[ast.expr]]) -> Iterator[str]:
    match node:
        case ast.Constant(value=str(text)):
            yield text
        case ast.JoinedStr(values=values):
            yield from map("".join, itertools.product(*(list(_texts(each, names)) for each in values)))
        case ast.FormattedValue(value=value) | ast.Subscript(value=value):
            yield from _texts(value, names)
        case ast.IfExp(body=body, orelse=other):
            yield from _texts(body, names)
            yield from _texts(other, names)
        case ast.Call(func=ast.Attribute(value=value, attr="strip")):
            yield from _texts(value, names)
        case ast.Name(id=name) if name in names and not any(node in ast.walk(each) for each in names[name]):
            for each in names[name]:
                yield from _texts(each, {other: values for other, values in names.items() if other != name})
        case _:
            yield _quoted(ast.unparse(node))


def _quoted(code: str) -> str:
    return "14 d" if code.startswith("human(") else "https://x" if re.search(r"\burl\b", code) else "x"


def _is_sentence(text: str) -> bool:
    return " " in text and re.search(r"[a-z]{2,}", text.replace("https://x", "")) is not None


def _sentences() -> set[str]:
    return {
        BEFORE.get(name, "") + text
        for name in MODULES
        for text in Module(name).sentences()
        if _is_sentence(text) and text not in ELSEWHERE
    }


@pytest.mark.parametrize("sentence", sorted(_sentences()))
def test_each_sentence_that_a_record_can_hold_has_a_translation(sentence: str) -> None:
    parts = parts_of(sentence, "ar")

    assert explain(sentence, "ar")[1] == "ar"
    assert all(QUOTED.fullmatch(part.text) for part in parts if part.quoted), parts


def test_no_other_module_makes_such_sentences() -> None:
    made = re.compile(
        r"\b(?:Quarantined|Unreadable|(?:BadEncoding|BlockedAddress|Codec|Fetch|OutletGone|Poison)Error)\((?!\w*Error\b)"
    )
    makers = set()
    for package in ("marsad", "marsad_app", "processors", "producers", "sinks"):
        for file in files(package).rglob("*.py"):  # type: ignore[attr-defined]
            text = re.sub(r"^class .*$", "", file.read_text("utf-8"), flags=re.MULTILINE)
            if made.search(text):
                makers.add(".".join([package, *file.relative_to(files(package)).with_suffix("").parts]))

    # Filters are told by the command line alone; the rest stands in for the true ones in tests.
    others = {"processors.pipe", "processors.pipe_match", "processors.pipe_tag"}
    assert {name for name in makers if ".testing" not in name and ".bench" not in name} <= {*MODULES, *others}


def test_the_walk_finds_what_the_modules_say() -> None:
    found = _sentences()

    assert len(found) > 60
    assert {"the server answered xx: it wants fewer requests", "the story was muted", "x partition x offset x"} <= found


def _told(reason: str) -> str:
    told, language = explain(reason, "ar")
    assert language == "ar", reason
    return told


@pytest.mark.parametrize(
    "data",
    [
        b"", b"{", b"nonsense", b"\xff\xfe", b"[]", b'{"record":"entry","v":99}', b'{"record":"entry","v":0}',
        b'{"record":"alert"}', b'{"record":"entry"}', b'{"record":"entry","entry_id":3}', b'{"record":"entry"}x',
        encode(an_entry()).replace(b'"first_seen_at":"2', b'"first_seen_at":"x'),
    ],
)  # fmt: skip
def test_a_record_that_cannot_be_read_is_told_in_arabic(data: bytes) -> None:
    problem = incoming(Message(stream="entries.v1", key="k", value=data)).problem

    assert problem
    _told(problem)
    inner = [part.text for part in parts_of(problem, "ar") if part.quoted and " " in part.text]
    # What msgspec found in JSON that is none stays in its words.
    assert inner in ([], ["invalid character"], ["trailing characters"]), (problem, inner)


@pytest.mark.parametrize(
    ("body", "remark"),
    [
        ("<rss version='2.0'><channel><title>a & b</title>{}</channel></rss>", "مستند معيب الصياغة أُصلح"),
        ("warning <rss version='2.0'><channel>{}</channel></rss>", "نص قبل بداية المستند"),
        ("<!DOCTYPE x [<!ENTITY a SYSTEM 'b'>]><rss version='2.0'><channel>{}</channel></rss>", "كيانات XML لم تُقبل"),
        ("<rss version='2.0'><channel>{}{}</channel></rss>", "مواد أكثر من poll.max_entries، فقُرئ أولها"),
    ],
)
def test_a_remark_on_a_document_is_told_in_arabic(body: str, remark: str) -> None:
    item = "<item><title>t</title><link>https://a.example/{}</link></item>"
    parsed = parse(body.format(item, item).encode(), url="https://a.example", max_entries=1)
    state = History().poll(parsed=parsed, body=b"x").state

    assert state.health is Health.OK
    assert _told(state.detail) == f"قُرئت مع ملاحظات: {remark}"


def test_a_length_of_time_has_the_form_that_the_words_before_it_ask_for() -> None:
    assert _told("no entry for 48 h, far longer than its own rhythm").startswith("لا جديد منذ يومين")
    assert _told("no entry for 3 d, far longer than its own rhythm").startswith("لا جديد منذ 3 أيام")
    assert reason_in("nothing new for 2 h", Texts("ar", NOW)) == "لا جديد منذ ساعتين"
    assert Texts("ar", NOW).span(7200) == "ساعتان"


def test_several_remarks_are_told_each_in_arabic() -> None:
    assert _told("read with: text-before-document, entries-cut").count("،") == 2


async def test_a_refused_connection_is_told_in_arabic_with_the_words_of_the_system() -> None:
    url = "http://127.0.0.1:1/feed"
    settings = PollSettings(allow_networks=(ip_network("127.0.0.0/8"),))
    async with CurlFetcher(settings, SystemClock()) as fetcher:
        with pytest.raises(FetchError) as caught:
            await fetcher.fetch(FetchRequest(url=url))
    quoted = [part.text for part in parts_of(str(caught.value), "ar") if part.quoted]

    assert "لا يُتصل بالخادم" in _told(str(caught.value))
    assert "127.0.0.1:1" in quoted[0]
    assert "Could not connect to server" in quoted[0]


def test_a_fault_of_the_program_is_told_as_one() -> None:
    class Failing:
        def stateless(self, entry: Entry, feed: Feed) -> Article:
            raise KeyError("صفحة")

    message = Message(stream="entries.v1", key="k", value=encode(an_entry()))
    problem = outgoing(incoming(message), Failing(), a_feed(), NOW).problem

    assert _told(problem) == "خلل لم يُتوقع: KeyError: 'صفحة'"


def test_what_the_index_refuses_is_told_with_its_words() -> None:
    assert (
        _told("mapper_parsing_exception: failed to parse")
        == "رفضه Elasticsearch قائلا: mapper_parsing_exception: failed to parse"
    )
    assert _told("beside the article: HTTP 413").startswith("في ما يُفهرس مع المقال: رفضه Elasticsearch")


async def test_a_lost_outlet_is_told_with_what_it_said_last_in_arabic(
    client: httpx.AsyncClient, store: InMemoryStore
) -> None:
    one = store.subscriptions.subscriptions()[0]
    notice = lost_notice(one, "mailto:a@example.org", "the mail server answered 550 No such user", NOW)
    store.alerts.record_alerts([notice], [a_delivery(delivery_id="d8", alert_id=notice.alert_id)])

    for path in ("/deliveries", "/subscriptions", f"/subscriptions/{one.id}"):
        page = html.fromstring((await client.get(f"{path}?lang=ar")).content)
        assert "عنوان إرسال توقّف: mailto://… — ردّ خادم البريد: 550 No such user" in page.text_content()
        english = html.fromstring((await client.get(f"{path}?lang=en")).content).text_content()
        assert f"A delivery address was given up: mailto://… — {notice.error}" in english


async def test_pages_hold_the_words_of_others_apart(client: httpx.AsyncClient, store: InMemoryStore) -> None:
    failed = a_delivery(
        delivery_id="d9",
        alert_id="refused",
        state=DeliveryState.FAILED,
        attempts=2,
        last_error="the mail server answered 550 5.1.1 <b>No such user</b>",
    )
    store.alerts.record_alerts([an_alert(alert_id="refused")], [failed])
    place = "articles.v1 partition 3 offset 7"
    store.quarantine.quarantine(
        [a_quarantined(id="q9", reason="no Article record: Input data was truncated", detail=place)]
    )
    feed = next(state.feed_id for state in store.polls.states() if state.health is Health.HTTP_5XX)

    for path, told, words in (
        (f"/feeds/{feed}", "ردّ الخادم بالرمز", "503 Service Unavailable"),
        ("/deliveries", "ردّ خادم البريد:", "550 5.1.1 <b>No such user</b>"),
        (f"/subscriptions/{failed.subscription_id}", "ردّ خادم البريد:", "550 5.1.1 <b>No such user</b>"),
        ("/quarantine", "البيانات مبتورة", "Article"),
        ("/quarantine/q9", "البيانات مبتورة", "articles.v1"),
    ):
        page = html.fromstring((await client.get(f"{path}?lang=ar")).content)
        assert told in page.text_content()
        assert words in [each.text for each in page.xpath("//bdi[@lang='en'][@dir='ltr']")], path

    assert place in (await client.get("/quarantine/q9?lang=en")).text
    assert (await client.get("/api/v1/quarantine/q9")).json()["detail"] == place
