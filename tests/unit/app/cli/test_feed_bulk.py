"""``marsad feeds add-many``: every address for itself."""

import asyncio
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marsad_app.cli.feed_bulk import read_addresses
from producers.loopback import reply, routes, serving

RSS = "<rss version='2.0'><channel><title>وكالة {}</title><item><guid>1</guid><title>خبر</title></item></channel></rss>"
PAGE = b'<!doctype html><title>x</title><link rel="alternate" type="application/rss+xml" href="/rss">'
ANSWERS = {
    "/": reply(body=PAGE),
    "/plain": reply(body=b"<!doctype html><p>nothing"),
    "/gone": reply("410 Gone"),
    "/bomb": reply(body=b"<!DOCTYPE r [<!ENTITY a 'b'>]><r>&a;</r>"),
    "/broken": b"no http\r\n\r\n",
    **{f"/rss{n}": reply(body=RSS.format(n).encode()) for n in range(70)},
}


@pytest.fixture
def site(marsad: Any) -> Iterator[str]:
    marsad.env["MARSAD_POLL__ALLOW_NETWORKS"] = "127.0.0.0/8"
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    server = serving(routes(ANSWERS))
    yield asyncio.run_coroutine_threadsafe(server.__aenter__(), loop).result(10)
    asyncio.run_coroutine_threadsafe(server.__aexit__(None, None, None), loop).result(10)
    loop.call_soon_threadsafe(loop.stop)
    thread.join()
    loop.close()


def test_each_address_has_its_own_outcome_and_none_stops_the_others(marsad: Any, site: str, tmp_path: Path) -> None:
    lines = [
        "# addresses of today",
        f"{site}/rss1",
        "",
        f"  {site}/rss2  ",
        f"{site}/",
        "nonsense",
        "file:///etc/passwd",
        f"{site}/rss1",
        f"{site}/gone",
        f"{site}/plain",
        "http://10.0.0.1/rss",
        f"{site}/broken",
        "https://[::1",
        "http://" + "x" * 9_000,
        f"{site}/rss3",
    ]
    (tmp_path / "list.txt").write_text("\n".join(lines), encoding="utf-8")
    answer = marsad("feeds", "add-many", str(tmp_path / "list.txt"), "--json", status=1)
    found = {record["line"]: record for record in answer.records}

    assert {line: record["result"] for line, record in found.items()} == {
        2: "added", 4: "added", 5: "page", 6: "refused", 7: "refused", 8: "known", 9: "refused", 10: "refused",
        11: "refused", 12: "added", 13: "refused", 14: "refused", 15: "added",
    }  # fmt: skip
    assert found[5]["offers"] == [f"{site}/rss"]
    assert found[2]["title"] == "وكالة 1"
    assert found[8]["why"] == "is the same as line 2"
    assert "allow_networks" in found[11]["why"]
    assert "gave no answer now (network" in found[12]["why"]
    assert len(marsad("feeds", "list", "--json").records) == 4


def test_addresses_come_from_standard_input_and_are_known_the_second_time(marsad: Any, site: str) -> None:
    text = "\ufeff" + "\n".join(f"{site}/rss{n}" for n in range(70))

    assert marsad("feeds", "add-many", stdin=text).lines[-1] == "70 added, 0 known already, 0 pages, 0 refused"
    assert marsad("feeds", "add-many", "-", stdin=text).lines[-1] == "0 added, 70 known already, 0 pages, 0 refused"
    assert len(marsad("feeds", "list", "--json").records) == 70


def test_the_report_for_people_names_line_and_reason(marsad: Any, site: str) -> None:
    answer = marsad("feeds", "add-many", "--country", "dz", stdin=f"{site}/rss1\nx\n{site}/\n", status=1)

    assert f"line 1: {site}/rss1: added: وكالة 1" in answer.lines
    assert any(line.startswith("line 2: x: refused ('x' is no web address") for line in answer.lines)
    assert any(line.startswith(f"line 3: {site}/: page (") and f"{site}/rss" in line for line in answer.lines)
    assert answer.lines[-1] == "1 added, 0 known already, 1 pages, 1 refused"
    assert marsad("feeds", "list", "--json").records[0]["country"] == "DZ"


def test_without_a_check_no_address_is_asked(marsad: Any) -> None:
    assert "1 added" in marsad("feeds", "add-many", "--no-check", stdin="https://news.example/rss").lines[-1]


def test_a_list_without_addresses_is_one_sentence(marsad: Any) -> None:
    assert "holds no address" in marsad("feeds", "add-many", stdin="# none\n\n", status=1).complaint


@given(st.binary(max_size=300))
def test_any_bytes_are_read_as_lines(data: bytes) -> None:
    assert all(line.strip() == line and line for _, line in read_addresses(data))
