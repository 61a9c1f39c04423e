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


def test_an_entry_without_words_is_poison(pipeline: Pipeline) -> None:
    with pytest.raises(PoisonError, match="no text"):
        pipeline.stateless(an_entry(title="", summary_html="", content_html=""), a_feed())
