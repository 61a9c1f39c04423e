"""Text stands out from its ground on every page (WCAG 2.2, 1.4.3, level AA), by the colours that a browser computes."""

from typing import Any

import pytest

from marsad.testing.desk import PORT_CALL

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]

PAGES = [
    "/?q=الجزائر&topic=defense-cooperation",
    "/?q=روسيا AND (مصر",
    "/?q=لاشيءكهذا",
    f"/articles/{PORT_CALL}",
    "/stories",
    "/stories/port-call",
    "/subscriptions",
    "/subscriptions/subscription-1?notice=subscribed",
    "/subscriptions/new?q=topic:energy",
    "/deliveries",
    "/topics",
    "/topics/sanctions",
    "/feeds",
    "/feeds/feed-1",
    "/quarantine",
    "/status",
    "/login",
    "/nope",
]
# Every text and placeholder with the colours below it laid over each other, as they are painted. Large is 24 px, or 18.66 px and bold.
FAINT = """
const rgba = (text) => { const n = text.match(/[\\d.]+/g).map(Number); return [n[0], n[1], n[2], n[3] ?? 1]; };
const over = (top, below) => [0, 1, 2].map((i) => top[i] * top[3] + below[i] * (1 - top[3])).concat(1);
const light = (c) => { const [r, g, b] = c.map((v) => v / 255).map((v) => (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)); return 0.2126 * r + 0.7152 * g + 0.0722 * b; };
const ratio = (a, b) => { const [x, y] = [light(a), light(b)].sort((m, n) => n - m); return (x + 0.05) / (y + 0.05); };
const chain = (element) => { const found = []; for (let at = element; at; at = at.parentElement) found.unshift(at); return found; };
const ground = (element) => chain(element).reduce((below, at) => over(rgba(getComputedStyle(at).backgroundColor), below), [255, 255, 255, 1]);
const faint = [];
const look = (element, colour, text) => {
  const style = getComputedStyle(element), below = ground(element), size = parseFloat(style.fontSize);
  const seen = chain(element).reduce((part, at) => part * parseFloat(getComputedStyle(at).opacity), 1);
  const ink = rgba(colour); ink[3] *= seen;
  const least = size >= 24 || (size >= 18.66 && Number(style.fontWeight) >= 700) ? 3 : 4.5;
  const found = ratio(over(ink, below), below);
  if (found < least) faint.push(`${found.toFixed(2)} ${element.tagName}.${element.className}: ${text.slice(0, 30)}`);
  looked += 1;
};
let looked = 0;
document.querySelectorAll("details").forEach((each) => (each.open = true));
const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
for (let node = walker.nextNode(); node; node = walker.nextNode()) {
  const element = node.parentElement;
  if (!node.data.trim() || element.closest("script, title, .unseen, .skip, svg") || !element.getClientRects().length) continue;
  look(element, getComputedStyle(element).color, node.data.trim());
}
for (const field of document.querySelectorAll("input:not([type=hidden]):not([type=checkbox]), textarea, select")) {
  if (field.value) look(field, getComputedStyle(field).color, field.value);
  if (field.placeholder) look(field, getComputedStyle(field, "::placeholder").color, field.placeholder);
}
return [looked, faint];
"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_text_stands_out_from_its_ground(reader: Any, scheme: str) -> None:
    reader.prefers(scheme)
    grounds = set()
    found = {}
    for page in PAGES:
        reader.opens(page)
        grounds.add(reader.runs("return getComputedStyle(document.body).backgroundColor"))
        looked, faint = reader.runs(FAINT)
        assert looked > 5, page
        if faint:
            found[page] = faint

    assert found == {}
    assert len(grounds) == 1


def test_the_two_schemes_differ(reader: Any) -> None:
    grounds = []
    for scheme in ("light", "dark"):
        reader.prefers(scheme)
        reader.opens("/")
        grounds.append(reader.runs("return getComputedStyle(document.body).backgroundColor"))

    assert grounds[0] != grounds[1]


def test_a_text_that_is_too_faint_is_found(reader: Any) -> None:
    reader.opens("/")
    reader.runs("""
        const sheet = new CSSStyleSheet();
        sheet.replaceSync('h2 { opacity: .3 }');
        document.adoptedStyleSheets = [sheet];
    """)

    assert reader.runs(FAINT)[1]
