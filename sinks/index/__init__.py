"""The Elasticsearch index: what is stored, how it is written, how it is searched."""

import elasticsearch  # noqa: F401
