"""``marsad kibana``, against a Kibana of our own that takes what the real one takes."""

import asyncio
import json
import re
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, get_args, get_type_hints

import pytest
from aiohttp import web
from typer.testing import CliRunner

from marsad.records import EntityTag
from marsad_app.cli.root import app


class Kibana:
    """Keeps saved objects by space, kind and id; ``answer`` says something else instead."""

    def __init__(self) -> None:
        self.objects: dict[tuple[str, str, str], dict[str, Any]] = {}
        self.asked: list[web.Request] = []
        self.spaces = {"", "news"}
        self.user = ""
        self.answer: Callable[[], web.Response] | None = None
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self.url = asyncio.run_coroutine_threadsafe(self._start(), self._loop).result(30)

    async def _start(self) -> str:
        server = web.Application(client_max_size=16_000_000)
        server.router.add_post("/api/saved_objects/_import", self._import)
        server.router.add_post("/s/{space}/api/saved_objects/_import", self._import)
        self._runner = web.AppRunner(server)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        return f"http://127.0.0.1:{self._runner.addresses[0][1]}"

    async def _import(self, request: web.Request) -> web.Response:
        self.asked.append(request)
        if self.answer is not None:
            return self.answer()
        if "kbn-xsrf" not in request.headers:
            return web.json_response({"message": "Request must contain a kbn-xsrf header."}, status=400)
        if self.user and request.headers.get("authorization") != self.user:
            return web.json_response({"message": "unable to authenticate"}, status=401)
        space = request.match_info.get("space", "")
        if space not in self.spaces:
            return web.json_response({"message": "Not Found"}, status=404)
        file = (await request.post())["file"]
        assert isinstance(file, web.FileField)
        lines = [json.loads(line) for line in file.file.read().decode().splitlines()]
        return web.json_response(self._take(space, lines, overwrite=request.query.get("overwrite") == "true"))

    def _take(self, space: str, lines: list[dict[str, Any]], *, overwrite: bool) -> dict[str, Any]:
        errors = []
        there = {(one["type"], one["id"]) for one in lines}
        for one in lines:
            place = (space, one["type"], one["id"])
            if any((reference["type"], reference["id"]) not in there for reference in one["references"]):
                errors.append({"type": one["type"], "id": one["id"], "error": {"type": "missing_references"}})
            elif place in self.objects and not overwrite:
                errors.append({"type": one["type"], "id": one["id"], "error": {"type": "conflict"}})
            else:
                self.objects[place] = one
        return {
            "success": not errors,
            "successCount": len(lines) - len(errors),
            **({"errors": errors} if errors else {}),
        }

    def close(self) -> None:
        asyncio.run_coroutine_threadsafe(self._runner.cleanup(), self._loop).result(30)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(30)
        self._loop.close()


@pytest.fixture
def kibana() -> Iterator[Kibana]:
    made = Kibana()
    yield made
    made.close()


def call(*arguments: str, **settings: str) -> tuple[int, str, str]:
    result = CliRunner().invoke(app, ["kibana", *arguments], env=settings)
    return result.exit_code, result.stdout, " ".join(result.stderr.split())


def test_importing_twice_leaves_each_object_once(kibana: Kibana) -> None:
    assert call("import", "--url", kibana.url)[0] == 0
    first = dict(kibana.objects)
    status, _, said = call("import", "--url", kibana.url)

    assert status == 0, said
    assert kibana.objects == first
    assert said == f"{len(first)} objects are in Kibana at {kibana.url}"
    assert {kind for _, kind, _ in first} == {"index-pattern", "search", "dashboard"}


def test_a_space_and_another_language_are_chosen(kibana: Kibana) -> None:
    status, out, _ = call("import", "--url", kibana.url, "--space", "news", "--language", "en", "--json")

    assert (status, json.loads(out)["space"]) == (0, "news")
    assert {space for space, _, _ in kibana.objects} == {"news"}
    assert kibana.objects["news", "dashboard", "marsad-dashboard-today"]["attributes"]["title"] == "Marsad: today"


def test_credentials_are_kibanas_own_or_those_of_elasticsearch(kibana: Kibana) -> None:
    kibana.user = "ApiKey c2VjcmV0"
    shared = {"MARSAD_ELASTICSEARCH__API_KEY": "c2VjcmV0"}

    assert call("import", "--url", kibana.url, **shared)[0] == 0
    status, _, said = call(
        "import", "--url", kibana.url, MARSAD_KIBANA__USERNAME="a", MARSAD_KIBANA__PASSWORD="wrong-one", **shared
    )
    assert status == 1
    assert "refuses access (HTTP 401); check kibana.api_key" in said
    assert "wrong-one" not in said


def test_the_address_may_hold_a_base_path(kibana: Kibana) -> None:
    kibana.answer = lambda: web.json_response({"success": True, "successCount": 1})

    assert call("import", "--url", f"{kibana.url}/s/news/")[0] == 0
    assert kibana.asked[0].path == "/s/news/api/saved_objects/_import"


@pytest.mark.parametrize(
    ("status", "body", "told"),
    [
        (404, {}, "has no import (HTTP 404)"),
        (422, {"message": 'Document "x" belongs to a more recent version'}, "is too old for these objects"),
        (302, {}, "sends elsewhere (HTTP 302)"),
        (500, {"message": "broken"}, "does not take the objects (HTTP 500: broken)"),
        (200, {"cluster_name": "x"}, "is not Kibana"),
        (
            200,
            {"success": False, "errors": [{"type": "search", "id": "a", "error": {"type": "unsupported_type"}}]},
            "does not take 1 of the objects (search a: unsupported_type)",
        ),
    ],
)
def test_what_kibana_refuses_is_told_in_a_sentence(
    kibana: Kibana, status: int, body: dict[str, Any], told: str
) -> None:
    kibana.answer = lambda: web.json_response(body, status=status)

    ended, _, said = call("import", "--url", kibana.url)

    assert ended == 1
    assert told in said
    assert "Traceback" not in said


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_nobody_is_followed_elsewhere_and_no_credential_goes_there(kibana: Kibana, status: int) -> None:
    other = Kibana()
    kibana.answer = lambda: web.Response(
        status=status, headers={"location": f"{other.url}/api/saved_objects/_import?overwrite=true"}
    )
    try:
        ended, out, said = call("import", "--url", kibana.url, MARSAD_KIBANA__API_KEY="c2VjcmV0")
        assert (ended, other.asked) == (1, [])
    finally:
        other.close()
    assert f"sends elsewhere (HTTP {status})" in said
    assert "c2VjcmV0" not in said + out


def test_of_many_faults_the_first_are_named_and_all_are_counted(kibana: Kibana) -> None:
    faults = [{"type": "search", "id": f"s{number}", "error": {"type": "conflict"}} for number in range(9)]
    kibana.answer = lambda: web.json_response({"success": False, "successCount": 3, "errors": faults})

    ended, _, said = call("import", "--url", kibana.url)

    assert ended == 1
    assert "does not take 9 of the objects" in said
    assert "search s0: conflict" in said
    assert "s8" not in said


def test_a_kibana_that_does_not_answer_is_waited_for_no_longer_than_told(
    kibana: Kibana, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sinks.index.kibana.importing._TIMEOUT_S", 0.2)
    kibana.answer = lambda: time.sleep(1) or web.json_response({"success": True})

    ended, _, said = call("import", "--url", kibana.url)

    assert ended == 1
    assert "does not answer within" in said


def test_an_endless_answer_is_not_read_to_its_end(kibana: Kibana) -> None:
    kibana.answer = lambda: web.Response(body=b" " * 40_000_000, content_type="application/json")

    assert "is not Kibana" in call("import", "--url", kibana.url)[2]


def test_an_answer_that_is_no_json_is_told(kibana: Kibana) -> None:
    kibana.answer = lambda: web.Response(text="<html>", content_type="text/html")

    assert "is not Kibana" in call("import", "--url", kibana.url)[2]


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("--url", "ftp://x"), "kibana.url is no address"),
        (("--url", "http://a:b@c"), "kibana.url holds a user"),
        (("--url", "http://127.0.0.1:9"), "cannot be reached"),
        (("--space", "A B"), "is no space"),
    ],
)
def test_what_cannot_be_is_told_before_anything_is_sent(arguments: tuple[str, ...], told: str) -> None:
    status, _, said = call("import", *arguments)

    assert status == 1
    assert told in said


def test_values_bear_names_in_the_language_of_the_boards() -> None:
    def shown(language: str) -> dict[str, dict[str, str]]:
        objects = map(json.loads, call("export", "--language", language)[1].splitlines())
        views = [json.loads(one["attributes"]["fieldFormatMap"]) for one in objects if one["type"] == "index-pattern"]
        return {
            field: {entry["key"]: entry["value"] for entry in view[field]["params"]["lookupEntries"]}
            for view in views
            for field in view.keys() & {"detail", "partial", "countries.role", "entities.kind"}
        }

    arabic, english = shown("ar"), shown("en")

    assert arabic["partial"]["the feed gives only a summary"] == "لا تعطي الخلاصة إلا موجزا"
    assert english["partial"]["the feed gives only a summary"] == "the feed gives only a summary"
    assert arabic["detail"]["the answer is no feed"] == "الإجابة ليست خلاصة"
    assert arabic["countries.role"] == {"actor": "طرف", "mention": "مذكور"}
    assert arabic["entities.kind"].keys() == set(get_args(get_type_hints(EntityTag)["kind"]))
    assert not re.search("[a-z]", "".join(arabic["entities.kind"].values()))


def test_a_file_and_standard_output_hold_the_same(tmp_path: Path) -> None:
    path = tmp_path / "marsad.ndjson"
    status, out, _ = call("export")

    assert status == 0
    assert call("export", "--out", str(path))[0] == 0
    assert path.read_text(encoding="utf-8") == out
    titles = [json.loads(line)["attributes"].get("title") for line in out.splitlines()]
    assert "مرصد: اليوم" in titles
    assert "cannot be written" in call("export", "--out", str(tmp_path / "none" / "x"))[2]
