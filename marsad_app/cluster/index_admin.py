"""The index templates on Elasticsearch: whether they are as the settings want them, and how that is mended."""

from collections.abc import Iterator

from marsad.config import ElasticsearchSettings
from marsad_app.cluster.admin import Difference
from sinks.index.client import Elasticsearch, connect, explained
from sinks.index.mapping import ensure_templates, templates

__all__ = ["mend_templates", "template_differences"]


def template_differences(settings: ElasticsearchSettings) -> list[Difference]:
    """Templates that are missing or are of another shape, by name.

    Raises:
        ConfigError: the address cannot be used.
        StoreError: Elasticsearch cannot be reached or refuses; the sentence names ``elasticsearch.url``.
    """
    with connect(settings, retry_on_timeout=False, max_retries=0) as client, explained(settings):
        return list(_differences(client, settings))


def _differences(client: Elasticsearch, settings: ElasticsearchSettings) -> Iterator[Difference]:
    for name, wanted in templates(settings).items():
        shape = str(wanted["meta"]["shape"])
        if not client.indices.exists_index_template(name=name):
            yield Difference(where=name, kind="template", what="missing", found="", wanted=shape)
            continue
        answer = client.indices.get_index_template(name=name)
        meta = answer["index_templates"][0]["index_template"].get("_meta") or {}
        if meta != wanted["meta"]:
            yield Difference(
                where=name,
                kind="template",
                what="shape",
                found=str(meta.get("shape", "not written by us")),
                wanted=shape,
            )


def mend_templates(settings: ElasticsearchSettings) -> list[str]:
    """Put the templates as they should be; the names of those that were not. Indices that exist keep their shape.

    Raises:
        ConfigError: the address cannot be used.
        StoreError: Elasticsearch cannot be reached or refuses.
    """
    with connect(settings) as client:
        return ensure_templates(client, settings)
