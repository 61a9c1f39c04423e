import pytest

from marsad.errors import PoisonError
from marsad.taxonomy import load_taxonomy
from marsad.testing.factories import a_feed, an_entry
from processors.pipeline import PIPELINE_VERSION, Pipeline

TEXT = "وقع وزيرا الدفاع في الجزائر وروسيا أمس اتفاقا للتعاون العسكري يشمل التدريب وتبادل الخبرات وصيانة الطائرات."


@pytest.fixture(scope="module")
def pipeline() -> Pipeline:
    return Pipeline.build(load_taxonomy(None))


def test_an_entry_comes_out_clean_tagged_and_located(pipeline: Pipeline) -> None:
    entry = an_entry(title="اتفاق للتعاون العسكري بين روسيا والجزائر", content_html=f"<p>{TEXT}</p>")
    article = pipeline.stateless(entry, a_feed())
    assert article.text == TEXT
    assert "defense-cooperation" in [topic.id for topic in article.topics]
    assert {"DZ", "RU"} <= {country.code for country in article.countries}
    assert (article.pipeline_version, article.taxonomy_version) == (PIPELINE_VERSION, pipeline.tagger.taxonomy.version)


def test_evidence_points_into_the_clean_text(pipeline: Pipeline) -> None:
    entry = an_entry(title="بيان", content_html=f"<p>{TEXT.replace('العسكري', 'العسـكري')}</p>")
    article = pipeline.stateless(entry, a_feed())
    spans = [each for topic in article.topics for each in topic.evidence if each.field == "text"]
    assert spans
    assert all(0 <= each.start < each.end <= len(article.text) for each in spans)


def test_the_same_entry_gives_the_same_article(pipeline: Pipeline) -> None:
    assert pipeline.stateless(an_entry(), a_feed()) == pipeline.stateless(an_entry(), a_feed())


def test_what_was_learned_is_known_after_a_restart() -> None:
    taxonomy = load_taxonomy(None)
    before, after = Pipeline.build(taxonomy), Pipeline.build(taxonomy)
    line = "بوابة الأفق للخدمات الإخبارية"
    entries = [
        an_entry(title=f"عنوان {number}", content_html=f"<p>{line}</p><p>{TEXT} {number}</p>") for number in range(8)
    ]
    texts = [before.stateless(entry, a_feed()).text for entry in entries[:7]]
    assert line in texts[0]
    assert line not in texts[6]

    assert after.recall(before.remembered())

    assert after.stateless(entries[7], a_feed()).text == f"{TEXT} 7"
    assert after.remembered() != before.remembered()


@pytest.mark.parametrize("data", [b"", b"\x00", b"no msgpack", b"\x93\x00\x90\x80", b"\x93\x01\x91\x01\x80"])
def test_what_is_damaged_or_of_another_version_is_not_taken_up(pipeline: Pipeline, data: bytes) -> None:
    before = pipeline.remembered()

    assert not pipeline.recall(data)
    assert pipeline.remembered() == before


def test_an_entry_without_words_is_poison(pipeline: Pipeline) -> None:
    with pytest.raises(PoisonError, match="no text"):
        pipeline.stateless(an_entry(title="", summary_html="", content_html=""), a_feed())
