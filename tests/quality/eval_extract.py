"""How much of an article's text is read off its page, beside trafilatura on the same pages in the same run."""

import json
import re
import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

import trafilatura

from marsad.arabic import tokenize
from marsad.arabic.charset import decode
from processors.extract import extract
from processors.layouts import Layouts
from producers.parse.charset import declared_charsets

_OWN = Path(__file__).parents[1] / "recorded" / "pages"
_ROUNDS = 5


class Page(NamedTuple):
    """A page and the text that a reader sees as its article."""

    html: str
    text: str


def run(data: Path) -> list[dict[str, object]]:
    """Return token F1 and milliseconds a page, ours and bare trafilatura's, on labelled pages and on our layouts."""
    rows: list[dict[str, object]] = []
    for name, pages in (("labelled pages", labelled(data / "pages")), ("own layouts", own())):
        ours, our_time = measure(pages, lambda html: extract(html).text)
        learned, learned_time = measure_learned(name, pages)
        theirs, their_time = measure(pages, lambda html: trafilatura.extract(html) or "")
        rows += [
            {"measure": f"{name}, token F1", "value": ours, "target": round(theirs, 3), "n": len(pages)},
            {
                "measure": f"{name}, token F1, layouts learned",
                "value": learned,
                "target": round(theirs, 3),
                "n": len(pages),
            },
            {"measure": f"{name}, token F1 of trafilatura", "value": theirs, "target": None, "n": len(pages)},
            {"measure": f"{name}, ms a page", "value": our_time, "target": 10.0, "at_most": True, "n": len(pages)},
            {
                "measure": f"{name}, ms a page, layouts learned",
                "value": learned_time,
                "target": 10.0,
                "at_most": True,
                "n": len(pages),
            },
            {"measure": f"{name}, ms a page of trafilatura", "value": their_time, "target": None, "n": len(pages)},
        ]
    return rows


def labelled(folder: Path) -> list[Page]:
    """Real pages; the text stands between tags in a file beside each."""
    pages = []
    for path in sorted(folder.glob("*.html")):
        body = re.search(r"<TEXT>(.*)</TEXT>", path.with_suffix(".txt").read_text(encoding="utf-8"), re.DOTALL)
        pages.append(Page(path.read_text(encoding="utf-8"), body[1] if body else ""))
    return pages


def own() -> list[Page]:
    """Pages of our own in the layouts of Arabic sites."""
    return [
        Page(
            decode(path.read_bytes(), declared_charsets(path.read_bytes(), ""))[0],
            "\n".join(json.loads(path.with_name("expected.json").read_text(encoding="utf-8"))["paragraphs"]),
        )
        for path in sorted(_OWN.glob("*/page.html"))
    ]


def measure(pages: Iterable[Page], reader: Callable[[str], str]) -> tuple[float, float]:
    """Mean token F1 and milliseconds a page; the first round only warms up."""
    scores, spent = [], 0.0
    for page in pages:
        text = reader(page.html)
        began = time.process_time()
        for _ in range(_ROUNDS):
            reader(page.html)
        spent += (time.process_time() - began) / _ROUNDS
        scores.append(token_f1(text, page.text))
    return sum(scores) / len(scores), 1000 * spent / len(scores)


def measure_learned(name: str, pages: Sequence[Page]) -> tuple[float, float]:
    """As ``measure``, once the layouts are known: labelled pages are of one site, each of ours is of its own."""
    layouts = Layouts()
    sites = {
        page.html: f"https://site{0 if name == 'labelled pages' else place}.example/"
        for place, page in enumerate(pages)
    }
    for _ in range(_ROUNDS):
        for page in pages:
            extract(page.html, sites[page.html], layouts)
    return measure(pages, lambda html: extract(html, sites[html], layouts).text)


def token_f1(found: str, wanted: str) -> float:
    """F1 over the multiset of tokens in key form."""
    ours, theirs = Counter(tokenize(found).keys), Counter(tokenize(wanted).keys)
    both = sum((ours & theirs).values())
    return 2 * both / max(1, sum(ours.values()) + sum(theirs.values()))
