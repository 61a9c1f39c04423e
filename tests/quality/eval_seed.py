"""Whether the article that Marsad was imagined from comes out as a reader would tag it. Its dates are judged by ``eval_dates.py``."""

import json
from pathlib import Path

from marsad.taxonomy import load_taxonomy
from processors.locate import Locator
from processors.tag import Tagger


def run(data: Path) -> list[dict[str, object]]:
    """Return the shares of what is expected of topics, countries and entities."""
    title, _, text = (data / "seed" / "article.txt").read_text("utf-8").partition("\n")
    expected = json.loads((data / "seed" / "expected.json").read_text("utf-8"))
    topics = [tag.id for tag in Tagger(load_taxonomy(learned=True)).tag(title, "", text)]
    located = Locator().locate(title, "", text)
    countries = [country.code for country in located.countries]
    actors = {country.code for country in located.countries if country.role == "actor"}
    wanted, named = expected["topics"], expected["countries"]
    known = {entity.name_en for entity in located.entities}
    return [
        _row(
            "topics",
            [
                topics[:1] == [wanted["first"]],
                set(topics) >= set(wanted["must"]),
                not set(topics) & set(wanted["must_not"]),
                bool(set(topics) & set(wanted["at_least_one_of"])),
                set(topics) <= {*wanted["must"], *wanted["may"]},
            ],
        ),
        _row(
            "countries",
            [
                countries[: len(named["first_two"])] == named["first_two"],
                actors == set(named["first_two"]),
                set(countries) >= set(named["must"]),
                set(countries) <= {*named["first_two"], *named["must"], *named["may"]},
            ],
        ),
        _row("entities", [name in known for name in expected["entities"]]),
    ]


def _row(what: str, right: list[bool]) -> dict[str, object]:
    return {"measure": f"seed article, {what}", "value": sum(right) / len(right), "target": 1.0, "n": len(right)}
