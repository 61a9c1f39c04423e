import httpx
import pytest
from lxml import html

from marsad.testing.query_contracts import REFUSED


@pytest.mark.parametrize(("query", "told"), REFUSED)
async def test_a_query_out_of_bounds_is_told_in_one_line_on_the_page(
    reader: httpx.AsyncClient, query: str, told: str
) -> None:
    answer = await reader.get("/", params={"q": query, "lang": "en"})

    assert answer.status_code == 400
    (reason,) = html.fromstring(answer.content).xpath("//section[@role='alert']//bdi/text()")
    assert told in reason
    assert len(reason) < 300
    assert "\n" not in reason


@pytest.mark.parametrize(("query", "told"), REFUSED)
async def test_a_query_out_of_bounds_is_told_in_one_line_by_the_api(
    reader: httpx.AsyncClient, query: str, told: str
) -> None:
    answer = await reader.get("/api/v1/articles", params={"q": query})

    assert answer.status_code in {400, 422}
    said = answer.json()["error"]
    assert told in said or "at most 2000 characters" in said
    assert len(said) < 300
    assert "\n" not in said


@pytest.mark.parametrize("path", ["/feeds/search.atom", "/api/v1/export"])
@pytest.mark.parametrize(("query", "told"), REFUSED)
async def test_a_query_out_of_bounds_makes_no_feed_and_no_export(
    reader: httpx.AsyncClient, path: str, query: str, told: str
) -> None:
    answer = await reader.get(path, params={"q": query, "lang": "en"})

    assert answer.status_code in {400, 422}
    as_json = answer.headers["content-type"] == "application/json"
    said = answer.json()["error"] if as_json else html.fromstring(answer.content).text_content()
    assert told in said or "2000 characters" in said or "does not fit: q" in said


@pytest.mark.parametrize("path", ["/", "/api/v1/articles", "/feeds/search.atom", "/api/v1/export"])
async def test_thousands_of_picks_are_no_more_than_twenty(reader: httpx.AsyncClient, path: str) -> None:
    picks = [("outlet", f"o{number}") for number in range(4_000)]
    few, many = [await reader.get(path, params=picks[:count]) for count in (20, 4_000)]

    assert (few.status_code, many.status_code) == (200, 200)
    # The address itself stands in the answer as its own.
    assert len(many.content) < 2 * len(few.content) + 3 * len(str(many.url))


@pytest.mark.parametrize("page", ["0", "-1", "999999999999", "9" * 300, "x"])
async def test_a_page_that_there_is_not_is_the_nearest_one_that_there_is(reader: httpx.AsyncClient, page: str) -> None:
    assert (
        await reader.get("/", params={"q": "مرقم", "page": page, "sort": "story", "collapse": "1"})
    ).status_code == 200
