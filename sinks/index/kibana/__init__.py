"""Kibana over the index: data views, saved searches and dashboards, described once and written as saved objects."""

from sinks.index.kibana.objects import ndjson, saved_objects

__all__ = ["ndjson", "saved_objects"]
