from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from lxml import html

from marsad.clock import FrozenClock
from marsad.config import ProcessSettings
from marsad.testing.desk import a_desk
from marsad.testing.factories import NOW, TOPIC_FILE
from marsad_app.live_topics import LiveTopics
from marsad_app.topic_files import TRAIL
from marsad_app.web.access import CSRF_COOKIE
from marsad_app.web.app import create_app
from marsad_app.web.testing import services_over


@pytest.fixture
def clock() -> FrozenClock:
    return FrozenClock(NOW)


@pytest.fixture
async def editor(tmp_path: Path, clock: FrozenClock) -> AsyncIterator[httpx.AsyncClient]:
    """The desk with a folder for topics of its own, each change of which is in force at once."""
    process = ProcessSettings(topics_dir=tmp_path)
    live = LiveTopics(process, clock)
    services = services_over(a_desk(), clock=clock, process=process, topics=live)
    transport = httpx.ASGITransport(create_app(services), raise_app_exceptions=False)
    async with httpx.AsyncClient(
        transport=transport, base_url="http://127.0.0.1:8080", cookies={CSRF_COOKIE: "f00d"}
    ) as made:
        yield made


async def _form(client: httpx.AsyncClient, path: str) -> dict[str, str]:
    page = html.fromstring((await client.get(path)).content)
    form = page.xpath("//form[.//textarea[@name='content']]")[0]
    return {"form_token": "f00d", "seen": form.xpath(".//input[@name='seen']/@value")[0]}


def _text(answer: httpx.Response, where: str) -> str:
    return " ".join(html.fromstring(answer.content).xpath(where)[0].text_content().split())


async def test_a_topic_is_tried_before_it_is_saved(editor: httpx.AsyncClient, tmp_path: Path) -> None:
    sent = await _form(editor, "/topics/new?id=bees")
    answer = await editor.post("/topics/bees?lang=en", data={**sent, "content": TOPIC_FILE, "action": "try"})
    assert answer.status_code == 200
    assert "gain it" in _text(answer, "//*[@id='outcome']")
    assert "الجزائر" in _text(answer, "//table[@id='gained']")
    assert not (tmp_path / "bees.toml").exists()


async def test_a_saved_topic_is_in_force_and_its_change_is_written_down(
    editor: httpx.AsyncClient, tmp_path: Path, clock: FrozenClock
) -> None:
    sent = await _form(editor, "/topics/new?id=bees")
    answer = await editor.post(
        "/topics/bees",
        data={**sent, "content": TOPIC_FILE.replace("\n", "\r\n"), "action": "save", "by": "desk", "note": "new"},
    )
    assert answer.headers["location"] == "/topics/bees?notice=saved"
    assert (tmp_path / "bees.toml").read_text("utf-8") == TOPIC_FILE
    clock.advance(3)
    page = await editor.get("/topics?lang=en")
    assert "your own" in _text(page, "//tr[contains(., 'bees')]")
    assert all(word in _text(page, "//section[@id='changes']") for word in ("Bees", "desk", "new"))


async def test_a_fault_in_the_file_is_told_with_its_line_and_nothing_is_saved(
    editor: httpx.AsyncClient, tmp_path: Path
) -> None:
    sent = await _form(editor, "/topics/new?id=bees")
    wrong = TOPIC_FILE.replace("weight = 2.0", 'weight = "much"')
    for action in ("try", "save"):
        answer = await editor.post("/topics/bees", data={**sent, "content": wrong, "action": action})
        assert answer.status_code == 400
        told = _text(answer, "//section[@role='alert']")
        assert "السطر 7: يلزم عدد وقد ورد `str`، عند term[0].weight" in told
        assert "much" in html.fromstring(answer.content).xpath("//textarea/text()")[0]
    assert not (tmp_path / "bees.toml").exists()
    assert not (tmp_path / TRAIL).exists()


async def test_a_change_is_taken_back(editor: httpx.AsyncClient, tmp_path: Path, clock: FrozenClock) -> None:
    sent = await _form(editor, "/topics/new?id=bees")
    await editor.post("/topics/bees", data={**sent, "content": TOPIC_FILE, "action": "save"})
    clock.advance(3)
    sent = await _form(editor, "/topics/bees")
    await editor.post("/topics/bees", data={**sent, "content": TOPIC_FILE.replace("2.0", "3.0"), "action": "save"})
    clock.advance(3)
    undo = html.fromstring((await editor.get("/topics")).content).xpath("//form[contains(@action, '/undo')]/@action")
    assert len(undo) == 2
    assert (await editor.post(undo[0], data={"form_token": "f00d"})).headers["location"] == "/topics?notice=undone"
    notes = html.fromstring((await editor.get("/topics?lang=ar")).content).xpath("//*[@id='changes']//td[4]")
    assert [note.text_content().partition(" عن ")[0] for note in notes] == ["تراجع", "بلا سبب مذكور", "بلا سبب مذكور"]
    assert (tmp_path / "bees.toml").read_text("utf-8") == TOPIC_FILE
    # What was changed since cannot be jumped over.
    assert (await editor.post(undo[0], data={"form_token": "f00d"})).status_code == 400
    assert (await editor.post(undo[1], data={"form_token": "f00d"})).status_code == 303
    assert not (tmp_path / "bees.toml").exists()
    assert len((tmp_path / TRAIL).read_text("utf-8").splitlines()) == 4


async def test_a_shipped_topic_is_changed_and_restored(
    editor: httpx.AsyncClient, tmp_path: Path, clock: FrozenClock
) -> None:
    page = html.fromstring((await editor.get("/topics/sport")).content)
    content = page.xpath("//textarea[@name='content']/text()")[0].lstrip("\n")
    assert content.startswith('id = "sport"')
    sent = await _form(editor, "/topics/sport")
    await editor.post("/topics/sport", data={**sent, "content": content + "# ours\n", "action": "save"})
    assert (tmp_path / "sport.toml").read_text("utf-8").endswith("# ours\n")
    sent = await _form(editor, "/topics/sport")
    answer = await editor.post("/topics/sport", data={**sent, "action": "restore"})
    assert answer.headers["location"] == "/topics?notice=saved"
    assert not (tmp_path / "sport.toml").exists()


async def test_who_edits_what_somebody_else_has_changed_is_told(editor: httpx.AsyncClient, tmp_path: Path) -> None:
    sent = await _form(editor, "/topics/new?id=bees")
    (tmp_path / "bees.toml").write_text(TOPIC_FILE, "utf-8")
    answer = await editor.post("/topics/bees", data={**sent, "content": TOPIC_FILE + "# mine\n", "action": "save"})
    assert answer.status_code == 400
    assert "غيّر شخص آخر bees" in _text(answer, "//section[@role='alert']")
    assert (tmp_path / "bees.toml").read_text("utf-8") == TOPIC_FILE


@pytest.mark.parametrize("path", ["/topics/none-such", "/topics/..%2Fetc", "/topics/new?id=../x", "/topics/new"])
async def test_what_is_no_topic_is_refused(editor: httpx.AsyncClient, path: str) -> None:
    assert (await editor.get(path)).status_code in {400, 404, 422}


async def test_without_a_folder_topics_can_be_read_and_not_changed(client: httpx.AsyncClient) -> None:
    sent = await _form(client, "/topics/sport")
    page = await client.get("/topics/sport")
    assert html.fromstring(page.content).xpath("//textarea[@readonly]")
    answer = await client.post(
        "/topics/sport", data={**sent, "content": TOPIC_FILE.replace("bees", "sport"), "action": "save"}
    )
    assert answer.status_code == 400
    assert "process.topics_dir" in _text(answer, "//section[@role='alert']")


async def test_changing_topics_needs_the_token(guarded: httpx.AsyncClient) -> None:
    answer = await guarded.post("/topics/sport", data={"form_token": "f00d", "content": "x", "action": "save"})
    assert answer.headers["location"].startswith("/login")
    assert not html.fromstring((await guarded.get("/topics/sport")).content).xpath("//button[@value='save']")
