"""The description as Kibana's saved objects, in the format that 8.12 and 9.x both take.

Objects are stamped with old versions: an older Kibana refuses a newer stamp, a newer one migrates an older.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, Literal

from babel import Locale

from sinks.index.kibana.dashboards import DASHBOARDS, SEARCHES
from sinks.index.kibana.lens import LAYER, Json, kuery, lens_attributes
from sinks.index.kibana.parts import Column, Control, Dashboard, Is, Listing, Note, Panel, Search, Size, View
from sinks.index.kibana.views import VIEWS

__all__ = ["Language", "Names", "ndjson", "saved_objects"]

Language = Literal["ar", "en"]
Names = Mapping[str, Mapping[str, str]]
"""For ``topic``, ``health``, ``standing``, ``reason``, ``fault``, ``role`` and ``entity``: what each value is called."""

_CODE: Final = re.compile("[A-Z]{2}")
_WIDTH: Final = 48
_CORE: Final = "8.8.0"
_SOURCE: Final = "kibanaSavedObjectMeta.searchSourceJSON.index"
_TYPES: Final = {"index-pattern": "8.0.0", "search": "8.0.0", "dashboard": "8.9.0"}
_IGNORED: Final = {"ignoreFilters": False, "ignoreQuery": False, "ignoreTimerange": False, "ignoreValidations": False}


def saved_objects(prefix: str, names: Names, language: Language = "ar") -> list[Json]:
    """All objects, each after those that it refers to; the same ids whatever the language.

    Args:
        prefix: first part of every index name.
        names: of values, in the same language.
        language: of titles and labels.
    """
    return list(_Writer(prefix, names, language).all())


def ndjson(objects: Sequence[Json]) -> str:
    """The objects as a file that Kibana imports."""
    return "".join(json.dumps(one, ensure_ascii=False, separators=(",", ":")) + "\n" for one in objects)


class _Writer:
    """Writes in one language for one prefix."""

    def __init__(self, prefix: str, names: Names, language: Language) -> None:
        self._prefix = prefix
        self._names = names
        self._language = language
        self._at = 0 if language == "ar" else 1

    def all(self) -> Iterator[Json]:
        yield from map(self._view, VIEWS.values())
        yield from map(self._search, SEARCHES)
        yield from map(self._dashboard, DASHBOARDS)

    def _id(self, name: str) -> str:
        return f"{self._prefix}-{name}"

    def _object(self, kind: str, name: str, attributes: Json, references: Sequence[Json] = ()) -> Json:
        return {
            "id": self._id(name),
            "type": kind,
            "attributes": attributes,
            "references": list(references),
            "coreMigrationVersion": _CORE,
            "typeMigrationVersion": _TYPES[kind],
            "managed": False,
        }

    def _reference(self, name: str, kind: str, to: str) -> Json:
        return {"name": name, "type": kind, "id": self._id(to)}

    def _view(self, view: View) -> Json:
        formats = {column.name: found for column in view.columns if (found := self._format(column))}
        labels = {column.name: {"customLabel": column.label[self._at]} for column in view.columns}
        return self._object(
            "index-pattern",
            f"view-{view.name}",
            {
                "title": self._id(view.name),
                "name": view.label[self._at],
                **({"timeFieldName": view.time} if view.time else {}),
                "allowNoIndex": True,
                "fields": "[]",
                "sourceFilters": "[]",
                "fieldFormatMap": _dumped(formats),
                "fieldAttrs": _dumped(labels),
                "runtimeFieldMap": "{}",
            },
        )

    def _format(self, column: Column) -> Json:
        match column.shown:
            case "topic" | "health" | "standing" | "reason" | "fault" | "role" | "entity":
                return _lookup(self._names.get(column.shown, {}))
            case "country":
                names = Locale(self._language).territories
                return _lookup({str(code): str(names[code]) for code in names if _CODE.fullmatch(str(code))})
            case "link":
                return {"id": "url", "params": {"type": "a", "openLinkInCurrentTab": False}}
            case "seconds":
                return {"id": "duration", "params": {"inputFormat": "seconds", "outputFormat": "humanize"}}
            case "count":
                return {"id": "number", "params": {"pattern": "0,0"}}
        return {}

    def _search(self, search: Search) -> Json:
        attributes = {
            "title": search.title[self._at],
            "description": search.explains[self._at],
            "columns": list(search.columns),
            "sort": [[search.sort, "desc"]],
            "grid": {},
            "hideChart": True,
            "isTextBasedQuery": False,
            "timeRestore": False,
            "kibanaSavedObjectMeta": {"searchSourceJSON": _source(search.where, indexRefName=_SOURCE)},
        }
        view = self._reference(_SOURCE, "index-pattern", f"view-{search.view}")
        return self._object("search", f"search-{search.id}", attributes, [view])

    def _dashboard(self, dashboard: Dashboard) -> Json:
        references: list[Json] = []
        panels = [
            self._panel(panel, place, references)
            for panel, place in zip(dashboard.panels, _places([panel.size for panel in dashboard.panels]), strict=True)
        ]
        controls = {f"c{at}": self._control(f"c{at}", at, one, references) for at, one in enumerate(dashboard.controls)}
        attributes = {
            "title": dashboard.title[self._at],
            "description": dashboard.explains[self._at],
            "timeRestore": True,
            "timeFrom": dashboard.since,
            "timeTo": "now",
            "refreshInterval": {"pause": False, "value": dashboard.refresh_s * 1_000},
            "version": 1,
            "panelsJSON": _dumped(panels),
            "optionsJSON": _dumped({"useMargins": True, "syncColors": False, "syncCursor": True, "syncTooltips": False, "hidePanelTitles": False}),
            "controlGroupInput": {
                "controlStyle": "oneLine",
                "chainingSystem": "HIERARCHICAL",
                "ignoreParentSettingsJSON": _dumped(_IGNORED),
                "panelsJSON": _dumped(controls),
            },
            "kibanaSavedObjectMeta": {"searchSourceJSON": _source(())},
        }  # fmt: skip
        return self._object("dashboard", f"dashboard-{dashboard.id}", attributes, references)

    def _panel(self, panel: Panel | Note | Listing, place: Json, references: list[Json]) -> Json:
        match panel:
            case Listing():
                name = f"search-{panel.search}"
                references.append(self._reference(f"{name}:panel_{name}", "search", name))
                return {
                    "type": "search", "panelIndex": name, "gridData": {**place, "i": name}, "embeddableConfig": {"enhancements": {}},
                    "panelRefName": f"panel_{name}",
                }  # fmt: skip
            case Note():
                return {
                    "type": "visualization", "panelIndex": panel.id, "gridData": {**place, "i": panel.id},
                    "embeddableConfig": {"enhancements": {}, "hidePanelTitles": True, "savedVis": self._note(panel)},
                }  # fmt: skip
        name = f"{panel.id}:indexpattern-datasource-layer-{LAYER}"
        references.append(self._reference(name, "index-pattern", f"view-{panel.view}"))
        attributes = lens_attributes(panel, self._id(f"view-{panel.view}"), self._at)
        return {
            "type": "lens", "panelIndex": panel.id, "gridData": {**place, "i": panel.id}, "title": panel.title[self._at],
            "embeddableConfig": {"enhancements": {}, "attributes": attributes},
        }  # fmt: skip

    def _note(self, note: Note) -> Json:
        return {
            "id": "",
            "title": "",
            "description": "",
            "type": "markdown",
            "params": {"markdown": note.text[self._at], "fontSize": 14, "openLinksInNewTab": False},
            "uiState": {},
            "data": {"aggs": [], "searchSource": {}},
        }

    def _control(self, name: str, order: int, control: Control, references: list[Json]) -> Json:
        reference = f"controlGroup_{name}:optionsListDataView"
        references.append(self._reference(reference, "index-pattern", f"view-{control.view}"))
        return {
            "order": order,
            "width": "medium",
            "grow": True,
            "type": "optionsListControl",
            "explicitInput": {
                "id": name,
                "fieldName": control.field,
                "title": control.label[self._at],
                "dataViewRefName": reference,
                "selectedOptions": list(control.chosen),
                "enhancements": {},
            },
        }


def _places(sizes: Sequence[Size]) -> Iterator[Json]:
    """Yield where each panel stands: beside the last one while there is room, else below the highest of that row."""
    x = y = height = 0
    for size in sizes:
        if x + size.width > _WIDTH:
            x, y, height = 0, y + height, 0
        yield {"x": x, "y": y, "w": size.width, "h": size.height}
        x, height = x + size.width, max(height, size.height)


def _lookup(names: Mapping[str, str]) -> Json:
    entries = [{"key": key, "value": names[key]} for key in sorted(names)]
    return {"id": "static_lookup", "params": {"lookupEntries": entries, "unknownKeyValue": None}}


def _source(where: tuple[Is, ...], **more: str) -> str:
    return _dumped({"query": {"query": kuery(where), "language": "kuery"}, "filter": [], **more})


def _dumped(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
