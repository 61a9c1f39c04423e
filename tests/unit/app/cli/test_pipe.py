"""JSON lines through a stage."""

import base64
import io
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from marsad.errors import PoisonError
from marsad_app.cli.jsonlines import filter_lines

MARSAD = [sys.executable, "-c", "import sys; from marsad_app.cli import main; sys.exit(main())"]


def _run(lines: bytes, step: Any = lambda record: {**record, "done": True}, **options: Any) -> list[Any]:
    sink = io.StringIO()
    filter_lines(io.BytesIO(lines), sink, step, **options)
    sink.getvalue().encode("utf-8")
    return [json.loads(line) for line in sink.getvalue().split("\n")[:-1]]


def test_each_line_in_is_one_line_out_in_order_with_its_id() -> None:
    answers = _run(b'{"id": 2}\n{"id": "x"}\r\n{"id": null}\n{}')
    assert answers == [
        {"id": 2, "done": True},
        {"id": "x", "done": True},
        {"id": None, "done": True},
        {"id": None, "done": True},
    ]


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (b"", "empty line"),
        (b"   ", "empty line"),
        (b"not json", "no JSON"),
        (b'{"id": 1', "no JSON"),
        (b"[1, 2]", "this is a list"),
        (b'"text"', "this is a string"),
        (b"12", "this is a number"),
        (b"null", "this is null"),
        (b"[" * 100_000, ""),
        (b'{"a":' * 100_000, ""),
    ],
)
def test_a_line_that_holds_no_record_becomes_an_error_with_null_as_id(line: bytes, said: str) -> None:
    first, bad, last = _run(b'{"id":1}\n' + line + b'\n{"id":3}\n')
    assert (first["id"], last["id"]) == (1, 3)
    assert set(bad) == {"id", "error"}
    assert bad["id"] is None
    assert said in bad["error"]


def test_a_line_that_is_not_utf_8_keeps_its_id_if_it_can_be_read() -> None:
    bad, good = _run(b'{"id": 7, "text": "\xc7\xe1"}\n{"id": 8}\n')
    assert bad == {"id": 7, "error": "not UTF-8 (byte 20)"}
    assert good["id"] == 8


def test_an_exception_of_any_kind_inside_a_line_becomes_its_error() -> None:
    def step(record: dict[str, Any]) -> dict[str, Any]:
        if record["id"] == 1:
            raise PoisonError("the field\n is wrong")
        if record["id"] == 2:
            raise RecursionError
        return {"value": record["missing"]} if record["id"] == 3 else record

    answers = _run(b'{"id":1}\n{"id":2}\n{"id":3}\n{"id":4}\n', step)
    assert answers == [
        {"id": 1, "error": "the field is wrong"},
        {"id": 2, "error": "RecursionError: RecursionError"},
        {"id": 3, "error": "KeyError: 'missing'"},
        {"id": 4},
    ]


@pytest.mark.parametrize("result", [float("nan"), "\ud800", b"bytes", {1, 2}, object(), [object()]])
def test_whatever_a_stage_answers_the_line_is_json(result: Any) -> None:
    (answer,) = _run(b'{"id":1}\n', lambda _: {"value": result})
    assert answer["id"] == 1


def test_a_lone_surrogate_becomes_a_replacement_character_in_its_place() -> None:
    (answer,) = _run(
        b'{"id":1,"text":"a\\ud83db\\u0000"}\n', lambda record: {"text": record["text"], "length": len(record["text"])}
    )
    assert answer == {"id": 1, "text": "a\ufffdb\x00", "length": 4}


def test_a_line_past_the_limit_is_an_error_and_the_next_one_is_read() -> None:
    answers = _run(b'{"id":1,"text":"' + b"x" * 500 + b'"}\n{"id":2}\n' + b"y" * 300, longest=100)
    assert [answer["id"] for answer in answers] == [None, 2, None]
    assert "longer than 100 bytes" in answers[0]["error"]


def test_a_line_of_just_the_limit_is_read() -> None:
    line = b'{"id":1}'
    assert _run(line + b"\n" + line + b"\r\n" + line, longest=len(line)) == [{"id": 1, "done": True}] * 3


def test_a_stage_that_answers_nothing_drops_the_line() -> None:
    assert [
        answer["id"] for answer in _run(b'{"id":1}\n{"id":2}\n', lambda record: record if record["id"] == 2 else None)
    ] == [2]


@settings(deadline=None)
@given(st.lists(st.binary(max_size=60).filter(lambda line: b"\n" not in line), max_size=8))
def test_any_bytes_give_a_line_of_json_for_each_line(lines: list[bytes]) -> None:
    answers = _run(b"".join(line + b"\n" for line in lines))
    assert len(answers) == len(lines)
    assert all("id" in answer for answer in answers)


_JSON: Any = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(st.characters(codec=None)),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(st.characters(codec=None)), inner, max_size=3),
    max_leaves=10,
)


@settings(deadline=None)
@given(_JSON)
def test_any_json_goes_in_and_valid_utf_8_comes_out(value: Any) -> None:
    line = json.dumps({"id": 1, "value": value}).encode() + b"\n"
    (answer,) = _run(line)
    assert answer["id"] in {1, None}


def test_a_filter_answers_each_line_before_the_next_one_comes() -> None:
    command = [*MARSAD, "pipe", "match", "--query", "روسيا"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        for number in range(3):
            process.stdin.write(json.dumps({"id": number, "title": "زيارة إلى روسيا", "text": ""}).encode() + b"\n")
            process.stdin.flush()
            assert json.loads(process.stdout.readline())["id"] == number
        process.stdin.close()
        assert process.wait(30) == 0


def _pipe(marsad: Any, name: str, *records: Any, options: tuple[str, ...] = ()) -> list[Any]:
    lines = "".join((record if isinstance(record, str) else json.dumps(record)) + "\n" for record in records)
    return list(marsad("pipe", name, *options, stdin=lines).records)


@pytest.mark.parametrize("name", ["parse", "extract", "clean", "analyze", "dates", "tag", "group"])
def test_every_filter_gives_an_error_for_a_bad_line_and_ends_with_status_0(marsad: Any, name: str) -> None:
    answers = _pipe(
        marsad, name, "nonsense", {"id": 5}, {"id": 6, "title": 7, "text": ["x"], "html": 1, "body_base64": "%"}
    )
    assert [answer["id"] for answer in answers] == [None, 5, 6]
    assert "error" in answers[0]
    assert "error" in answers[2]


def test_parse_reads_a_feed(marsad: Any) -> None:
    rss = "<rss version='2.0'><channel><title>ق</title><item><guid>1</guid><title>خبر</title></item></channel></rss>"
    body = base64.b64encode(rss.encode()).decode()
    (answer,) = _pipe(
        marsad, "parse", {"id": 1, "url": "https://x.example/", "content_type": "text/xml", "body_base64": body}
    )
    assert [entry["title"] for entry in answer["entries"]] == ["خبر"]
    assert set(answer) == {"id", "feed", "entries", "problems"}


def test_extract_finds_the_article(marsad: Any) -> None:
    text = "<p>هذا نص الخبر الذي يقرأه الناس كل يوم في الصحيفة اليومية ويتحدث عن التعاون بين البلدين.</p>" * 5
    html = f"<html><head><title>عنوان الخبر</title></head><body><article><h1>عنوان الخبر</h1>{text}</article></body></html>"
    (answer,) = _pipe(marsad, "extract", {"id": 1, "url": "https://x.example/1", "html": html})
    assert "نص الخبر" in answer["text"]
    assert {"id", "title", "text", "published", "author", "language", "image", "problems"} <= set(answer)


def test_clean_takes_out_what_readers_need_not_see(marsad: Any) -> None:
    (answer,) = _pipe(
        marsad,
        "clean",
        {
            "id": "a",
            "title": "خبـــر عاجل من المدينة",
            "text": "نص عربي طويل بما يكفي ليعرف أنه عربي",
            "published": "2026-05-12T09:00:00Z",
        },
    )
    assert answer["title"] == "خبر عاجل من المدينة"
    assert answer["language"] == "ar"
    assert answer["published"].startswith("2026-05-12T09:00:00")


def test_analyze_gives_tokens_with_offsets(marsad: Any) -> None:
    (answer,) = _pipe(marsad, "analyze", {"id": 1, "text": "وبالتعاون العسكري"})
    assert [(token["start"], token["end"]) for token in answer["tokens"]] == [(0, 9), (10, 17)]
    assert {"key", "stem"} <= set(answer["tokens"][0])


def test_dates_finds_dual_month_names(marsad: Any) -> None:
    (answer,) = _pipe(marsad, "dates", {"id": 1, "text": "في 12 أيار/مايو 2026", "now": "2026-06-01T00:00:00Z"})
    assert answer["dates"][0]["iso"].startswith("2026-05-12")


def test_tag_names_topics_and_countries(marsad: Any) -> None:
    title = "روسيا والجزائر توقعان اتفاقا للتعاون العسكري"
    (answer,) = _pipe(marsad, "tag", {"id": 1, "title": title, "text": ""})
    assert "defense-cooperation" in [topic["id"] for topic in answer["topics"]]
    assert {country["code"] for country in answer["countries"]} == {"RU", "DZ"}
    assert {"places", "entities"} <= set(answer)


def test_group_finds_a_copy_of_an_earlier_line(marsad: Any) -> None:
    text = (
        "أعلنت وزارة الدفاع الجزائرية أن سفينة المسح الروسية رست في ميناء الجزائر في زيارة تدوم ثلاثة أيام وفق البيان."
        * 3
    )
    first = {"id": 1, "title": "سفينة روسية في الجزائر", "text": text, "published": "2026-05-12T09:00:00Z"}
    second = {**first, "id": 2, "published": "2026-05-12T10:00:00Z"}
    one, two = _pipe(marsad, "group", first, second)
    assert two["story_id"] == one["story_id"]
    assert two["duplicate_of"] == 1 or two["duplicate_of"] == "1"
    assert not one["duplicate_of"]


def test_match_keeps_the_lines_that_match_and_the_errors(marsad: Any) -> None:
    yes, no = {"id": 1, "title": "زيارة إلى روسيا", "text": ""}, {"id": 2, "title": "كرة القدم", "text": ""}
    answers = _pipe(marsad, "match", yes, no, "bad", options=("--query", "روسيا"))
    assert [answer["id"] for answer in answers] == [1, None]
    assert answers[0]["evidence"][0]["field"] == "title"


def test_match_with_a_bad_query_reads_nothing_and_says_where(marsad: Any) -> None:
    assert "at character" in marsad("pipe", "match", "--query", "(", stdin="{}", status=1).complaint
    marsad("pipe", "match", stdin="{}", status=2)


def test_match_knows_topics_by_name(marsad: Any) -> None:
    line = {"id": 1, "title": "خبر", "text": "", "topics": ["sanctions"]}
    assert [answer["id"] for answer in _pipe(marsad, "match", line, options=("--query", "topic:العقوبات"))] == [1]
    assert "no topic" in marsad("pipe", "match", "--query", "topic:nothing", stdin="{}", status=1).complaint


def test_what_export_writes_goes_into_a_filter_and_keeps_its_id(marsad: Any, filled: Any) -> None:
    exported = marsad("export")
    answers = marsad("pipe", "analyze", stdin=exported.out).records
    assert [answer["id"] for answer in answers] == [record["article_id"] for record in exported.records]


def test_tag_knows_ones_own_topics(marsad: Any, tmp_path: Path) -> None:
    topic = 'id = "bees"\ndefinition = "Bees."\nthreshold = 2.0\nnames = {ar = "النحل", en = "Bees", fr = "Abeilles"}\n'
    (tmp_path / "bees.toml").write_text(topic + '[[term]]\ntext = "نحل"\nweight = 2.0\n', encoding="utf-8")
    marsad.env["MARSAD_PROCESS__TOPICS_DIR"] = str(tmp_path)
    (answer,) = _pipe(marsad, "tag", {"id": 1, "title": "موسم تربية النحل", "text": ""})
    assert [tag["id"] for tag in answer["topics"]] == ["bees"]
    (tmp_path / "bees.toml").write_text("id = ", encoding="utf-8")
    assert "bees.toml:1" in marsad("pipe", "tag", stdin="{}", status=1).complaint
