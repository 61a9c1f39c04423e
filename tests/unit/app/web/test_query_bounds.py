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
