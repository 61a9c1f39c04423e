import pytest

from processors import extract as module
from processors.extract import extract
from processors.html_text import Element, parse_html
from processors.layouts import Layouts, path_of

SITE = "https://www.alofoq.example/news/"
TEASER = "وزير المالية يعرض موازنة العام المقبل أمام البرلمان ويتوقع نموا بثلاثة في المئة خلال العام"


def sentence(number: int, part: int) -> str:
    return (
        f"قال متحدث باسم الهيئة رقم {number} إن الأعمال في القسم {part} من المشروع اكتملت قبل موعدها، "
        "وإن التشغيل التجريبي يبدأ بعد أسبوعين من تسلم المعدات."
    )


def page(number: int, body: str = "main-content", *, parts: int = 3, teasers: int = 0) -> str:
    """A page of a site; with many teasers no layout is beyond doubt."""
    paragraphs = "".join(f"<p>{sentence(number, part)}</p>" for part in range(parts))
    beside = "".join(f"<div class=box><p>{TEASER}، الحلقة {each}</p></div>" for each in range(teasers))
    return f'<body><h1>خبر {number}</h1><div id="post-{number}" class="{body}">{paragraphs}</div>{beside}</body>'


def texts(number: int, parts: int = 3) -> list[str]:
    return [sentence(number, part) for part in range(parts)]


def root_of(html: str) -> Element:
    root = parse_html(html).root
    assert root is not None
    return root


def body_of(html: str, name: str = "main-content") -> Element:
    found: Element = root_of(html).xpath(f"//div[@class='{name}']")[0]
    return found


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The pages for which the full extractor was asked."""
    asked: list[str] = []
    full = module._full_extractor

    def recording(html: str, url: str) -> list[str]:
        asked.append(html)
        return full(html, url)

    monkeypatch.setattr(module, "_full_extractor", recording)
    return asked


def test_a_layout_is_known_after_three_pages_and_leads_to_the_body() -> None:
    layouts = Layouts()
    for number in range(2):
        layouts.learn("alofoq.example", body_of(page(number)))
    assert layouts.find("alofoq.example", root_of(page(7))) is None
    layouts.learn("alofoq.example", body_of(page(2)))
    found = layouts.find("alofoq.example", root_of(page(7)))
    assert found is not None
    assert found.get("id") == "post-7"


def test_numbers_in_classes_and_ids_are_no_part_of_a_layout() -> None:
    assert path_of(body_of(page(1)), 4) == path_of(body_of(page(2)), 4) == ("div main-content",)


def test_a_layout_that_leads_to_two_places_leads_nowhere() -> None:
    layouts = Layouts()
    for number in range(3):
        layouts.learn("alofoq.example", body_of(page(number)))
    assert layouts.find("alofoq.example", root_of(page(7) + '<div class="main-content"><p>خبر آخر</p></div>')) is None


def test_a_layout_of_one_site_is_not_used_on_another() -> None:
    layouts = Layouts()
    for number in range(3):
        layouts.learn("alofoq.example", body_of(page(number)))
    assert layouts.find("elsewhere.example", root_of(page(7))) is None


def test_sites_that_were_not_read_for_long_are_forgotten() -> None:
    layouts = Layouts(sites=2)
    for site in ("one.example", "two.example", "three.example"):
        for number in range(3):
            layouts.learn(site, body_of(page(number)))
    assert layouts.find("one.example", root_of(page(7))) is None
    assert layouts.find("three.example", root_of(page(7))) is not None


def test_the_full_extractor_is_asked_for_the_first_pages_of_a_difficult_site_alone(asked: list[str]) -> None:
    layouts = Layouts()
    for number in range(30):
        found = extract(page(number, teasers=8), SITE + str(number), layouts)
        assert found.text.split("\n") == texts(number)
    assert 3 <= len(asked) <= 8


def test_pages_read_by_a_layout_give_the_text_that_they_give_alone() -> None:
    layouts = Layouts()
    for number in range(40):
        html = page(number, parts=3 + number % 4, teasers=8 * (number % 2))
        assert extract(html, SITE, layouts).text == extract(html, SITE).text


def test_a_site_that_changes_its_layout_is_learned_anew(asked: list[str]) -> None:
    layouts = Layouts()
    for number in range(30):
        name = "main-content" if number < 10 else "page-content"
        found = extract(page(number, name, teasers=8), SITE, layouts)
        assert found.text.split("\n") == texts(number)
    assert len(asked) <= 14


def test_a_layout_that_no_longer_holds_the_article_is_given_up() -> None:
    layouts = Layouts()
    for number in range(5):
        extract(page(number), SITE, layouts)
    wrong = 0
    for number in range(100, 200):
        beside = "".join(f"<p>{TEASER}، {number} {each}</p>" for each in range(4))
        html = page(number, "new-look", parts=9) + f'<div class="main-content">{beside}</div>'
        wrong += extract(html, SITE, layouts).text.split("\n") != texts(number, 9)
    assert wrong < 60


def test_a_flash_of_one_line_is_read_where_its_site_keeps_articles() -> None:
    layouts = Layouts()
    for number in range(4):
        extract(page(number), SITE, layouts)
    found = extract(page(9, parts=1, teasers=6), SITE, layouts)
    assert found.text.split("\n") == texts(9, 1)


def test_an_address_that_is_none_is_no_site() -> None:
    layouts = Layouts()
    for number in range(4):
        assert extract(page(number), "http://[broken", layouts).text.split("\n") == texts(number)
    assert layouts.find("", root_of(page(9))) is None
