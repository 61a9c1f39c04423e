import tomllib
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marsad.arabic import key_words
from marsad.records import Article
from marsad.taxonomy.names import Entity
from processors.locate import Located, Locator, locate

TRAPS = [
    (code, text)
    for code, traps in tomllib.loads(Path(__file__).with_name("traps.toml").read_text("utf-8")).items()
    for text in traps["texts"]
]


@lru_cache(maxsize=1)
def _locator() -> Locator:
    return Locator()


def _found(title: str, lead: str = "", text: str = "") -> Located:
    return _locator().locate(title, lead, text)


def _codes(title: str, lead: str = "", text: str = "") -> list[str]:
    return [country.code for country in _found(title, lead, text).countries]


@pytest.mark.parametrize(("code", "text"), TRAPS, ids=[text for _, text in TRAPS])
def test_a_word_that_looks_like_a_country_names_none(code: str, text: str) -> None:
    assert code not in _codes(text)
    assert code not in _codes("خبر اليوم", "", text)


@pytest.mark.parametrize(
    ("text", "codes"),
    [
        ("روسيا والجزائر توقعان اتفاقا", ["RU", "DZ"]),
        ("قمة مصرية سودانية في القاهرة", ["EG", "SD"]),
        ("المصريون والتونسيات في المؤتمر", ["EG", "TN"]),
        ("للجزائريين وبالإماراتيين", ["DZ", "AE"]),
        ("جنوب السودان يعلن هدنة", ["SS"]),
        ("رئيس غينيا بيساو", ["GW"]),
        ("غينيا الاستوائية تستضيف البطولة", ["GQ"]),
        ("نيجيريا تنتخب رئيسا", ["NG"]),
        ("الكونغو الديمقراطية تواجه إيبولا", ["CD"]),
        ("كوريا الشمالية تطلق صاروخا", ["KP"]),
        ("الزعيم الكوري الشمالي", ["KP"]),
        ("الرئيس الكوري الجنوبي", ["KR"]),
        ("بين الكوريتين", ["KP", "KR"]),
        ("الكرملين يعلق", ["RU"]),
        ("البيت الأبيض ينفي", ["US"]),
        ("ترمب يلتقي كيم جونغ أون", ["US", "KP"]),
        ("مواجهات في ليبيا ومالي والنيجر", ["LY", "ML", "NE"]),
        ("باماكو: رئيس مالي يستقيل", ["ML"]),
        ("الدوحة: قطر ترد", ["QA"]),
        ("السعودية 48 - قطر 24", ["SA", "QA"]),
        ("سلطنة عمان تستضيف، وفي عمان وفد", ["OM"]),
        ("الأردن: أمطار في عمان", ["JO"]),
        ("كوسوفو وصربيا", ["XK", "RS"]),
        ("جزر فارو تنتخب", ["FO"]),
        ("لَلإمارات دور", ["AE"]),
        ("تركيا ترسل قوات", ["TR"]),
        ("ألمانيا وللمانيا", ["DE"]),
    ],
)
def test_countries_are_named_by_all_their_names(text: str, codes: list[str]) -> None:
    assert sorted(_codes(text)) == sorted(codes)


def test_a_club_named_again_and_again_means_its_country() -> None:
    assert _codes("ريال مدريد يتعادل", "تعادل ريال مدريد مع برشلونة", "وقال مدرب برشلونة إن ريال مدريد قوي") == ["ES"]


def test_an_adjective_of_a_newspaper_says_little() -> None:
    assert _codes("دراسة جديدة عن النوم", "قالت صحيفة ديلي ميل البريطانية", "") == []


def test_main_actors_stand_before_mentions() -> None:
    found = _found(
        "روسيا تعزز علاقتها بالجزائر",
        "وصل وفد من موسكو إلى الجزائر",
        "وقالت روسيا والجزائر ذلك. وتابعت فرنسا الأمر. فرنسا تراقب.",
    )
    roles = {country.code: country.role for country in found.countries}
    assert [country.code for country in found.countries][:2] == ["RU", "DZ"]
    assert roles["RU"] == roles["DZ"] == "actor"
    assert roles.get("FR", "mention") == "mention"


def test_places_have_coordinates() -> None:
    places = {place.name: place for place in _found("زار بيروت ثم القاهرة وعاد إلى بيروت").places}
    assert places["بيروت"].country == "LB"
    assert places["بيروت"].mentions == 2
    assert places["القاهرة"].lat == pytest.approx(30.06, abs=0.1)


@pytest.mark.parametrize(
    ("text", "name", "kind"),
    [
        ("رست السفينة KILDIN SSV-512 في الميناء", "KILDIN SSV-512", "ship"),
        ("المدمرة USS Carney تعبر", "USS Carney", "ship"),
        ("منظومة إس-400 الروسية", "S-400", "weapon"),
        ("منظومة إس 500 الجديدة", "S-500", "weapon"),
        ("مقاتلات إف-35", "F-35", "weapon"),
        ("الأسطول الروسي للبحر الأسود", "Black Sea Fleet", "organisation"),
        ("اجتماع أوبك+ في فيينا", "OPEC+", "organisation"),
        ("اجتماع أوبك في فيينا", "OPEC", "organisation"),
        ("لجامعة الدول العربية موقف", "Arab League", "organisation"),
        ("بالأمم المتحدة", "United Nations", "organisation"),
        ("الرئيس عبدالمجيد تبون", "Abdelmadjid Tebboune", "person"),
        ("الفريق أول السعيد شنقريحة", "Saïd Chengriha", "person"),
        ("للرئيس فلاديمير بوتين", "Vladimir Putin", "person"),
        ("والتقى بوتن", "Vladimir Putin", "person"),
        ("منتدى الدول المصدرة للغاز", "Gas Exporting Countries Forum", "organisation"),
    ],
)
def test_entities_are_named_in_both_languages(text: str, name: str, kind: str) -> None:
    found = {entity.name_en: entity for entity in _found(text).entities}
    assert found[name].kind == kind
    assert found[name].name_ar


def test_opec_plus_is_not_opec() -> None:
    assert [entity.name_en for entity in _found("اجتماع أوبك+ غدا").entities] == ["OPEC+"]


def test_the_coalition_means_one_only_beside_yemen() -> None:
    assert "SA" in _codes("التحالف يدمر آليات في صعدة", "قال التحالف في اليمن", "وأضاف التحالف")
    assert _codes("التحالف الحاكم يخسر", "خسر التحالف مقاعده", "") == []


@pytest.mark.parametrize("entity", _locator().gazetteer.entity, ids=lambda entity: entity.id)
def test_every_entity_is_found_by_every_spelling(entity: Entity) -> None:
    for text in {entity.name_ar, *entity.spellings} - set(entity.unsure):
        assert {found.name_en for found in _found(f"وذكر {text} ذلك").entities} & {entity.name_en}, text


def test_entities_have_ids_of_their_own() -> None:
    ids = [entity.id for entity in _locator().gazetteer.entity]
    known = [entity.wikidata for entity in _locator().gazetteer.entity if entity.wikidata]
    assert len(ids) == len(set(ids))
    assert len(known) == len(set(known))


words = st.sampled_from([
    "روسيا", "قطر", "مالي", "عمان", "المغرب", "صلاة", "الدولار", "الأميركي", "صحيفة", "البريطانية", "ريال", "مدريد",
    "ترامب", "بوتين", "في", "وليبيا", "إس-400", "KILDIN SSV-512", "أوبك+", "\n", "، ", "الكوريتين", "واشنطن", "إس", "7",
])  # fmt: skip
texts = st.lists(words, max_size=30).map(" ".join)


@given(title=texts, lead=texts, text=texts)
def test_evidence_points_at_words_of_the_field(title: str, lead: str, text: str) -> None:
    fields = {"title": title, "lead": lead, "text": text}
    found = _found(title, lead, text)
    for tag in (*found.countries, *found.entities):
        assert tag.mentions == len(tag.evidence) > 0
        for hit in tag.evidence:
            surface = fields[hit.field][hit.start : hit.end]
            assert surface == surface.strip()
            last = key_words(hit.term)[-1]
            assert key_words(surface)[-1].endswith(last)


@given(st.text(max_size=300))
def test_any_text_is_located_without_error(text: str) -> None:
    _found(text, "", text)


def test_an_article_gets_countries_places_and_entities() -> None:
    now = datetime(2023, 9, 14, tzinfo=UTC)
    article = Article(article_id="a", title="بوتين يصل إلى القاهرة", published_at=now, first_seen_at=now)
    located = locate(article, _locator())
    assert {country.code for country in located.countries} == {"RU", "EG"}
    assert [place.country for place in located.places] == ["EG"]
    assert [entity.name_en for entity in located.entities] == ["Vladimir Putin"]
