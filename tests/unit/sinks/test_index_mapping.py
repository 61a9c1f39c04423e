"""The shape of the indices, as the settings ask for it."""

import json
from typing import Any

import msgspec

from marsad.config import ElasticsearchSettings
from marsad.records import Article, Story
from sinks.index.analysis import analysis
from sinks.index.mapping import article_template, board_template, story_template, templates

SETTINGS = ElasticsearchSettings(prefix="news-x", shards=3, replicas=2, refresh="2s")
# Only in the stored document: how it looks, where it came from, what it was told by.
NOT_INDEXED = {"lead", "image", "published_zone", "published_raw", "v"}


def index_settings(template: dict[str, Any]) -> dict[str, Any]:
    found = template["template"]["settings"]["index"]
    assert isinstance(found, dict)
    return found


def test_month_indices_are_read_by_one_alias_and_stories_have_one_index() -> None:
    assert set(templates(SETTINGS)) == {"news-x-articles", "news-x-stories", "news-x-feeds", "news-x-alerts"}
    articles, stories = article_template(SETTINGS), story_template(SETTINGS)

    assert articles["index_patterns"] == ["news-x-articles-*"]
    assert articles["template"]["aliases"] == {"news-x-articles": {}}
    assert stories["index_patterns"] == ["news-x-stories"]
    assert stories["template"]["aliases"] == {}


def test_shards_copies_and_refresh_are_those_of_the_settings() -> None:
    found = index_settings(article_template(SETTINGS))

    assert (found["number_of_shards"], found["number_of_replicas"], found["refresh_interval"]) == (3, 2, "2s")
    assert index_settings(story_template(SETTINGS))["number_of_shards"] == 1
    assert index_settings(story_template(SETTINGS))["refresh_interval"] == "2s"


def test_what_only_dashboards_show_is_refreshed_as_seldom_as_its_own_setting_says() -> None:
    settings = SETTINGS.model_copy(update={"refresh_boards": "9s"})

    assert index_settings(board_template(settings, "feeds"))["refresh_interval"] == "9s"
    assert index_settings(board_template(settings, "alerts"))["refresh_interval"] == "9s"
    assert index_settings(board_template(SETTINGS, "alerts"))["refresh_interval"] == "5s"


def test_every_field_of_an_article_is_indexed_or_left_out_on_purpose() -> None:
    properties = set(article_template(SETTINGS)["template"]["mappings"]["properties"]) - {"search"}
    fields = {field.name for field in msgspec.structs.fields(Article)}

    assert fields - properties == NOT_INDEXED
    assert properties <= fields


def test_every_field_of_a_story_is_indexed() -> None:
    properties = set(story_template(SETTINGS)["template"]["mappings"]["properties"]) - {"search"}

    assert {field.name for field in msgspec.structs.fields(Story)} - properties == {"v"}


def test_of_the_evidence_the_terms_are_a_field_and_what_later_versions_add_is_stored_and_not_indexed() -> None:
    mappings = article_template(SETTINGS)["template"]["mappings"]

    assert mappings["dynamic"] is False
    assert mappings["properties"]["topics"]["properties"]["evidence"]["properties"].keys() == {"term"}
    assert json.dumps(mappings).count("evidence") == 1


def test_another_setting_is_another_shape() -> None:
    def shape(**changes: Any) -> object:
        return article_template(SETTINGS.model_copy(update=changes))["meta"]["shape"]

    assert shape() == shape()
    assert len({shape(), shape(replicas=1), shape(refresh="1s"), shape(prefix="y")}) == 4


def test_characters_are_mapped_to_their_key_forms() -> None:
    rules = dict(rule.split("=>") for rule in analysis()["char_filter"]["marsad_fold"]["mappings"])

    assert rules[r"\u0623"] == r"\u0627"
    assert rules[r"\u064b"] == ""
    assert rules[r"\u2122"] == r"\u0020"
    assert rules[r"\u0045\u0301"] == r"\u00e9"
    assert r"\u0628" not in rules
    assert r"\u0041" not in rules, "plain lower case is the server's own"


def test_the_analysers_do_not_swell_the_state_of_the_cluster() -> None:
    assert len(json.dumps(analysis())) < 80_000
