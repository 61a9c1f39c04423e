"""A panel in the two languages it must mean the same in: Lens, and Elasticsearch's own aggregations.

The state is written whole, as Kibana exports it, without versions and palettes: 8.12 takes what is stamped as old, and 9.x
lifts what has no version.
"""

from typing import Any, Final

from sinks.index.kibana.parts import By, Is, Measure, Over, Panel, Text

__all__ = ["LAYER", "aggregation", "kuery", "lens_attributes", "search_query"]

LAYER: Final = "layer"
_OPERATIONS: Final = {"count": "count", "unique": "unique_count"}
_AGGREGATIONS: Final = {"unique": "cardinality", "average": "avg", "median": "percentiles", "percentile": "percentiles"}
_MOST_BARS: Final = 50
_MEDIAN: Final = 50
_DATES: Final = frozenset({"at"})

Json = dict[str, Any]


def kuery(where: tuple[Is, ...]) -> str:
    """The conditions in Kibana's query language."""
    return " and ".join(
        ("" if one.wanted else "not ")
        + (f"{one.field} > {one.above:g}" if one.above is not None else f"{one.field}: {_quoted(one.value)}")
        for one in where
    )


def _quoted(value: str) -> str:
    return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'


def search_query(where: tuple[Is, ...], time: str = "", since: str = "", until: str = "now") -> Json:
    """The same conditions, and the range of time that a dashboard looks at, in Elasticsearch's language."""
    wanted: list[Json] = [_condition(one) for one in where if one.wanted]
    if time:
        wanted.append({"range": {time: {"gte": since, "lte": until}}})
    return {"bool": {"filter": wanted, "must_not": [_condition(one) for one in where if not one.wanted]}}


def _condition(one: Is) -> Json:
    if one.above is not None:
        return {"range": {one.field: {"gt": one.above}}}
    return {"term": {one.field: one.value}}


def aggregation(panel: Panel) -> Json:
    """What Lens asks Elasticsearch for: its groups, the outer one first, around its measures."""
    inner: Json = {f"m{at}": found for at, one in enumerate(panel.measures) if (found := _measured(one))}
    for at, group in reversed(list(enumerate(panel.groups))):
        inner = {f"g{at}": {**_grouped(group, panel.measures[0]), "aggs": inner}}
    return inner


def _grouped(group: By | Over, first: Measure) -> Json:
    if isinstance(group, By):
        order = {} if first.kind == "count" else {"order": {_ordering(first): "desc"}}
        return {"terms": {"field": group.field, "size": group.size, **order}}
    if group.every == "auto":
        return {"auto_date_histogram": {"field": group.field, "buckets": _MOST_BARS}}
    return {"date_histogram": {"field": group.field, "fixed_interval": group.every, "min_doc_count": 0}}


def _ordering(one: Measure) -> str:
    share = {"median": _MEDIAN, "percentile": one.percentile}.get(one.kind)
    return "m0" if share is None else f"m0.{share}"


def _measured(one: Measure) -> Json:
    if one.kind == "count":
        return {}
    named: Json = {"field": one.field}
    if one.kind in {"median", "percentile"}:
        named["percents"] = [one.percentile if one.kind == "percentile" else _MEDIAN]
    return {_AGGREGATIONS.get(one.kind, one.kind): named}


def lens_attributes(panel: Panel, view_id: str, language: int) -> Json:
    """The ``attributes`` of a panel by value.

    Args:
        panel: what is to be seen.
        view_id: of its data view.
        language: 0 for Arabic, 1 for English.
    """
    groups = {f"g{at}": _bucket(group, language) for at, group in enumerate(panel.groups)}
    measures = {f"m{at}": _metric(one, language) for at, one in enumerate(panel.measures)}
    columns = {**groups, **measures}
    layer = {"columns": columns, "columnOrder": list(columns), "incompleteColumns": {}, "sampling": 1}
    visualization, state = _drawn(panel, list(groups), list(measures))
    return {
        "title": panel.title[language],
        "description": "",
        "type": "lens",
        "visualizationType": visualization,
        "references": [{"type": "index-pattern", "id": view_id, "name": f"indexpattern-datasource-layer-{LAYER}"}],
        "state": {
            "visualization": state,
            "query": {"query": kuery(panel.where), "language": "kuery"},
            "filters": [],
            "datasourceStates": {
                "formBased": {"layers": {LAYER: layer}},
                "indexpattern": {"layers": {}},
                "textBased": {"layers": {}},
            },
            "internalReferences": [],
            "adHocDataViews": {},
        },
    }


def _bucket(group: By | Over, language: int) -> Json:
    if isinstance(group, Over):
        return {
            **_column("date_histogram", group.field, group.label, language, "date"),
            "isBucketed": True,
            "scale": "interval",
            "params": {"interval": group.every, "includeEmptyRows": True, "dropPartials": False},
        }
    return {
        **_column("terms", group.field, group.label, language, "string"),
        "isBucketed": True,
        "scale": "ordinal",
        "params": {
            "size": group.size,
            "orderBy": {"type": "column", "columnId": "m0"},
            "orderDirection": "desc",
            "otherBucket": False,
            "missingBucket": False,
            "parentFormat": {"id": "terms"},
            "include": [],
            "exclude": [],
            "includeIsRegex": False,
            "excludeIsRegex": False,
        },
    }


def _metric(one: Measure, language: int) -> Json:
    params: Json = {"emptyAsNull": one.kind in {"count", "unique", "sum"}}
    if one.kind == "percentile":
        params = {"percentile": one.percentile}
    operation, field = _OPERATIONS.get(one.kind, one.kind), one.field or "___records___"
    kind = "date" if field in _DATES else "number"
    return {
        **_column(operation, field, one.label, language, kind),
        "isBucketed": False,
        "scale": "ratio",
        "params": params,
    }


def _column(operation: str, field: str, label: Text, language: int, kind: str) -> Json:
    return {
        "operationType": operation,
        "sourceField": field,
        "label": label[language],
        "customLabel": True,
        "dataType": kind,
    }


def _drawn(panel: Panel, groups: list[str], measures: list[str]) -> tuple[str, Json]:
    """The kind of visualisation, and its state."""
    layer: Json = {"layerId": LAYER, "layerType": "data"}
    match panel.kind:
        case "number":
            return "lnsMetric", {**layer, "metricAccessor": measures[0]}
        case "table":
            return "lnsDatatable", {**layer, "columns": [{"columnId": name} for name in (*groups, *measures)]}
        case "words":
            words = {"orientation": "single", "minFontSize": 14, "maxFontSize": 48, "showLabel": False}
            return "lnsTagcloud", {**layer, **words, "tagAccessor": groups[0], "valueAccessor": measures[0]}
        case "shares":
            return "lnsPie", {
                "shape": "donut",
                "layers": [{**layer, **_SHARES, "primaryGroups": groups, "metrics": measures}],
            }
        case "heat":
            return "lnsHeatmap", {
                **layer, **_HEAT, "xAccessor": groups[0], "yAccessor": groups[1], "valueAccessor": measures[0]
            }  # fmt: skip
    return "lnsXY", _along(panel, layer, groups, measures)


_SHARES: Final = {
    "numberDisplay": "percent",
    "categoryDisplay": "default",
    "legendDisplay": "show",
    "nestedLegend": False,
}
_HEAT: Final = {
    "shape": "heatmap",
    "legend": {"isVisible": True, "position": "bottom", "type": "heatmap_legend"},
    "gridConfig": {
        "type": "heatmap_grid",
        "isCellLabelVisible": False,
        "isYAxisLabelVisible": True,
        "isXAxisLabelVisible": True,
        "isYAxisTitleVisible": False,
        "isXAxisTitleVisible": False,
    },
}
_SERIES: Final = {"bars": "bar_horizontal", "columns": "bar_stacked", "lines": "line"}


def _along(panel: Panel, layer: Json, groups: list[str], measures: list[str]) -> Json:
    series = _SERIES[panel.kind]
    one: Json = {**layer, "accessors": measures, "xAccessor": groups[0], "seriesType": series, "position": "top"}
    if len(groups) > 1:
        one["splitAccessor"] = groups[1]
    several = len(groups) > 1 or len(measures) > 1
    return {
        # Below the chart the legend is in nobody's way, whichever side the text begins on.
        "legend": {"isVisible": several, "position": "bottom"},
        "valueLabels": "hide",
        "fittingFunction": "None",
        "preferredSeriesType": series,
        "axisTitlesVisibilitySettings": {"x": False, "yLeft": False, "yRight": False},
        "layers": [{**one, "showGridlines": False}],
    }
