"""The saved objects for Kibana: what they name exists, and they are what Kibana takes."""

import json
import unicodedata
from collections.abc import Iterator
from typing import Any

import pytest

from marsad.config import ElasticsearchSettings
from sinks.index.kibana import ndjson, saved_objects
from sinks.index.kibana.dashboards import DASHBOARDS, SEARCHES
from sinks.index.kibana.objects import Language
from sinks.index.kibana.parts import By, Listing, Over, Panel
from sinks.index.kibana.views import VIEWS
from sinks.index.mapping import templates

NAMES = {"topic": {"sanctions": "عقوبات"}, "health": {"ok": "سليمة"}, "standing": {}, "reason": {}}
TEMPLATES = templates(ElasticsearchSettings(prefix="p"))
FIELDS = {name: TEMPLATES[f"p-{name}"]["template"]["mappings"]["properties"] for name in VIEWS}
PANELS = [(one.id, panel) for one in DASHBOARDS for panel in one.panels if isinstance(panel, Panel)]


def objects(language: Language = "ar") -> dict[str, dict[str, Any]]:
    return {one["id"]: one for one in saved_objects("p", NAMES, language)}


def kind_of(view: str, field: str) -> str:
    """The type of a field in the mapping; empty if there is none."""
    found: dict[str, Any] = {"properties": FIELDS[view]}  # type: ignore[index]
    for part in field.split("."):
        found = found.get("properties", {}).get(part, {})
    return str(found.get("type", ""))


def named() -> Iterator[tuple[str, str, str]]:
    """Every field that is named anywhere, with its view and where."""
    for view in VIEWS.values():
        yield from ((view.name, column.name, "view") for column in view.columns)
        if view.time:
            yield view.name, view.time, "time"
    for search in SEARCHES:
        yield from ((search.view, column, search.id) for column in (*search.columns, search.sort))
        yield from ((search.view, one.field, search.id) for one in search.where)
    for dashboard in DASHBOARDS:
        yield from ((one.view, one.field, dashboard.id) for one in dashboard.controls)
    for where, panel in PANELS:
        yield from ((panel.view, group.field, f"{where} {panel.id}") for group in panel.groups)
        yield from (
            (panel.view, one.field, f"{where} {panel.id}") for one in (*panel.measures, *panel.where) if one.field
        )


def test_every_field_that_is_named_is_in_the_mapping() -> None:
    assert [one for one in named() if not kind_of(*one[:2])] == []


def test_what_is_grouped_counted_and_chosen_has_values_to_group_by() -> None:
    groups = [(panel.view, group) for _, panel in PANELS for group in panel.groups]
    for view, group in groups:
        assert kind_of(view, group.field) == ("date" if isinstance(group, Over) else "keyword"), group
    assert {kind_of(one.view, one.field) for board in DASHBOARDS for one in board.controls} == {"keyword"}
    numbers = [
        kind_of(panel.view, one.field)
        for _, panel in PANELS
        for one in panel.measures
        if one.kind not in {"count", "unique"}
    ]
    assert set(numbers) <= {"long", "double", "date"}


def test_saved_searches_are_sorted_by_what_can_be_sorted() -> None:
    assert {kind_of(search.view, search.sort) for search in SEARCHES} <= {"date", "long"}


def test_references_lead_to_objects_of_the_file_and_come_after_them() -> None:
    seen: set[str] = set()
    for one in objects().values():
        assert {reference["id"] for reference in one["references"]} <= seen
        seen.add(one["id"])
    assert len(seen) == len(VIEWS) + len(SEARCHES) + len(DASHBOARDS)


def test_each_panel_and_control_names_its_references_as_kibana_looks_for_them() -> None:
    for one in objects().values():
        if one["type"] != "dashboard":
            continue
        names = {reference["name"] for reference in one["references"]}
        for panel in json.loads(one["attributes"]["panelsJSON"]):
            place = panel["panelIndex"]
            assert panel["gridData"]["i"] == place
            if panel["type"] == "search":
                assert f"{place}:{panel['panelRefName']}" in names
            elif panel["type"] == "lens":
                inner = [reference["name"] for reference in panel["embeddableConfig"]["attributes"]["references"]]
                assert {f"{place}:{name}" for name in inner} <= names
        for key, control in json.loads(one["attributes"]["controlGroupInput"]["panelsJSON"]).items():
            assert control["explicitInput"]["id"] == key
            assert control["explicitInput"]["dataViewRefName"] in names


def test_panels_do_not_overlap_and_stay_within_the_page() -> None:
    for one in objects().values():
        if one["type"] != "dashboard":
            continue
        taken: set[tuple[int, int]] = set()
        for panel in json.loads(one["attributes"]["panelsJSON"]):
            place = panel["gridData"]
            cells = {
                (x, y)
                for x in range(place["x"], place["x"] + place["w"])
                for y in range(place["y"], place["y"] + place["h"])
            }
            assert not cells & taken
            assert max(x for x, _ in cells) < 48
            taken |= cells


def test_objects_are_stamped_so_that_old_and_new_versions_take_them() -> None:
    stamps = {(one["type"], one["typeMigrationVersion"], one["coreMigrationVersion"]) for one in objects().values()}

    assert stamps == {
        ("index-pattern", "8.0.0", "8.8.0"),
        ("search", "8.0.0", "8.8.0"),
        ("dashboard", "8.9.0", "8.8.0"),
    }
    assert "palette" not in ndjson(list(objects().values()))


ATTRIBUTES = {
    "index-pattern": {
        "title", "name", "timeFieldName", "allowNoIndex", "fields", "sourceFilters", "fieldFormatMap", "fieldAttrs",
        "runtimeFieldMap",
    },
    "search": {
        "title", "description", "columns", "sort", "grid", "hideChart", "isTextBasedQuery", "timeRestore",
        "kibanaSavedObjectMeta",
    },
    "dashboard": {
        "title", "description", "timeRestore", "timeFrom", "timeTo", "refreshInterval", "panelsJSON", "optionsJSON",
        "controlGroupInput", "kibanaSavedObjectMeta", "version",
    },
}  # fmt: skip
"""All that 8.12 and 9.x both take: an unknown one has the whole object refused."""
DRAWN = {"lnsMetric", "lnsXY", "lnsPie", "lnsDatatable", "lnsTagcloud", "lnsHeatmap"}


def of_kind(kind: str) -> list[dict[str, Any]]:
    return [one for one in objects().values() if one["type"] == kind]


def panels_of(board: dict[str, Any]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(board["attributes"]["panelsJSON"])
    return found


@pytest.mark.parametrize("language", ["ar", "en"])
def test_objects_hold_what_both_versions_take_and_nothing_else(language: Language) -> None:
    for one in objects(language).values():
        assert set(one) == {
            "id", "type", "attributes", "references", "coreMigrationVersion", "typeMigrationVersion", "managed"
        }  # fmt: skip
        # What is about the present has no time.
        lacking = {"timeFieldName"} if one["id"] == "p-view-feeds" else set()
        assert set(one["attributes"]) == ATTRIBUTES[one["type"]] - lacking


def test_a_data_view_writes_its_parts_as_strings_of_json_and_refers_to_nothing() -> None:
    for view in of_kind("index-pattern"):
        attributes = view["attributes"]
        assert view["references"] == []
        assert (attributes["fields"], attributes["sourceFilters"], attributes["runtimeFieldMap"]) == ("[]", "[]", "{}")
        assert all(set(each) == {"customLabel"} for each in json.loads(attributes["fieldAttrs"]).values())
        assert all(set(each) == {"id", "params"} for each in json.loads(attributes["fieldFormatMap"]).values())


def test_searches_and_dashboards_ask_in_kuery_and_a_search_names_its_view_by_reference() -> None:
    for one in (*of_kind("search"), *of_kind("dashboard")):
        source = json.loads(one["attributes"]["kibanaSavedObjectMeta"]["searchSourceJSON"])
        assert (source["query"]["language"], source["filter"]) == ("kuery", [])
        if one["type"] == "search":
            name = "kibanaSavedObjectMeta.searchSourceJSON.index"
            assert source["indexRefName"] == name
            assert [(each["name"], each["type"]) for each in one["references"]] == [(name, "index-pattern")]
            assert [len(each) for each in one["attributes"]["sort"]] == [2]
        else:
            assert set(source) == {"query", "filter"}


def test_a_dashboard_holds_only_panels_and_controls_of_the_shapes_that_both_versions_draw() -> None:
    for board in of_kind("dashboard"):
        attributes = board["attributes"]
        assert (attributes["version"], set(attributes["refreshInterval"])) == (1, {"pause", "value"})
        assert set(attributes["controlGroupInput"]) == {
            "controlStyle", "chainingSystem", "ignoreParentSettingsJSON", "panelsJSON"
        }  # fmt: skip
        places = [panel["panelIndex"] for panel in panels_of(board)]
        assert len(places) == len(set(places))
        for panel in panels_of(board):
            own = {"search": {"panelRefName"}, "lens": {"title"}, "visualization": set()}[panel["type"]]
            assert set(panel) == {"type", "panelIndex", "gridData", "embeddableConfig"} | own
            assert set(panel["gridData"]) == {"x", "y", "w", "h", "i"}
            if panel["type"] == "visualization":
                note = panel["embeddableConfig"]["savedVis"]
                assert (note["type"], note["data"]) == ("markdown", {"aggs": [], "searchSource": {}})
                assert set(note["params"]) == {"markdown", "fontSize", "openLinksInNewTab"}
        for control in json.loads(attributes["controlGroupInput"]["panelsJSON"]).values():
            assert set(control) == {"order", "width", "grow", "type", "explicitInput"}
            assert control["type"] == "optionsListControl"
            assert control["explicitInput"]["dataViewRefName"].endswith(":optionsListDataView")


def test_charts_are_of_the_kinds_that_were_seen_drawn_and_hold_their_whole_state() -> None:
    charts = [panel for board in of_kind("dashboard") for panel in panels_of(board) if panel["type"] == "lens"]
    assert {chart["embeddableConfig"]["attributes"]["visualizationType"] for chart in charts} <= DRAWN
    for chart in charts:
        assert set(chart["embeddableConfig"]) == {"enhancements", "attributes"}
        attributes = chart["embeddableConfig"]["attributes"]
        assert set(attributes) == {"title", "description", "type", "visualizationType", "references", "state"}
        state = attributes["state"]
        assert set(state) == {
            "visualization", "query", "filters", "datasourceStates", "internalReferences", "adHocDataViews"
        }  # fmt: skip
        sources = state["datasourceStates"]
        assert (sources["indexpattern"], sources["textBased"]) == ({"layers": {}}, {"layers": {}})
        ((name, layer),) = sources["formBased"]["layers"].items()
        assert set(layer) == {"columns", "columnOrder", "incompleteColumns", "sampling"}
        assert layer["columnOrder"] == list(layer["columns"])
        assert [each["name"] for each in attributes["references"]] == [f"indexpattern-datasource-layer-{name}"]


def test_no_reference_is_left_over_and_each_is_of_the_kind_that_it_leads_to() -> None:
    known = objects()
    for one in known.values():
        assert all(known[each["id"]]["type"] == each["type"] for each in one["references"])
        names = [each["name"] for each in one["references"]]
        assert len(names) == len(set(names))
        if one["type"] == "dashboard":
            controls = json.loads(one["attributes"]["controlGroupInput"]["panelsJSON"])
            pointing = [panel for panel in panels_of(one) if panel["type"] != "visualization"]
            assert len(names) == len(pointing) + len(controls)


def test_both_languages_have_the_same_objects_under_the_same_ids() -> None:
    arabic, english = objects("ar"), objects("en")

    assert list(arabic) == list(english)
    assert arabic["p-view-articles"]["attributes"]["title"] == "p-articles"
    assert english["p-dashboard-today"]["attributes"]["title"] == "Marsad: today"


def strongest(text: str) -> set[str]:
    """The directions of its letters."""
    return {
        "R" if found in {"R", "AL"} else "L"
        for char in text
        if (found := unicodedata.bidirectional(char)) in {"R", "AL", "L"}
    }


def test_arabic_texts_begin_with_an_arabic_letter_and_mix_in_no_latin() -> None:
    texts = [
        *(column.label[0] for view in VIEWS.values() for column in view.columns),
        *(one.title[0] for one in (*SEARCHES, *DASHBOARDS)),
        *(panel.title[0] for _, panel in PANELS),
        *(measure.label[0] for _, panel in PANELS for measure in panel.measures),
    ]

    assert [text for text in texts if strongest(text) != {"R"} or unicodedata.bidirectional(text[0]) != "AL"] == []


def test_values_are_shown_by_their_names() -> None:
    formats = json.loads(objects()["p-view-articles"]["attributes"]["fieldFormatMap"])

    assert {"key": "sanctions", "value": "عقوبات"} in formats["topics.id"]["params"]["lookupEntries"]
    assert {"key": "DZ", "value": "الجزائر"} in formats["countries.code"]["params"]["lookupEntries"]
    assert formats["search.delay"]["id"] == "duration"


def test_the_topic_dashboard_begins_with_defence_cooperation() -> None:
    group = json.loads(objects()["p-dashboard-topic"]["attributes"]["controlGroupInput"]["panelsJSON"])

    assert group["c0"]["explicitInput"]["selectedOptions"] == ["defense-cooperation"]


def test_every_listing_is_a_saved_search() -> None:
    listed = {panel.search for board in DASHBOARDS for panel in board.panels if isinstance(panel, Listing)}

    assert listed == {search.id for search in SEARCHES}


@pytest.mark.parametrize(("where", "panel"), PANELS)
def test_a_panel_draws_every_group_and_measure(where: str, panel: Panel) -> None:
    drawn = next(
        one["embeddableConfig"]["attributes"]["state"]
        for one in json.loads(objects()[f"p-dashboard-{where}"]["attributes"]["panelsJSON"])
        if one["panelIndex"] == panel.id
    )
    columns = drawn["datasourceStates"]["formBased"]["layers"]["layer"]["columns"]
    shown = json.dumps(drawn["visualization"])

    assert len(columns) == len(panel.groups) + len(panel.measures)
    assert [name for name in columns if f'"{name}"' not in shown] == []
    assert all(columns[f"g{at}"]["isBucketed"] for at, _ in enumerate(panel.groups))
    assert isinstance(panel.groups, tuple)
    assert not any(isinstance(group, By) and group.size > 50 for group in panel.groups)
