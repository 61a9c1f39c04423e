"""One query language for search, API, CLI and subscriptions."""

from marsad.query.ast import Node

__all__ = ["Node"]
