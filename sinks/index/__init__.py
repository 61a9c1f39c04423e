"""The Elasticsearch index: what is stored, how it is written, how it is searched."""
