"""Real servers for the tests of the cluster size, each test with a prefix of its own."""

import secrets
from collections.abc import Iterator

import pytest
from elasticsearch import Elasticsearch

from marsad.config import ElasticsearchSettings, KafkaSettings, test_servers
from marsad_app.cluster.admin import create_streams

_HOW = "make test-cluster starts one"


@pytest.fixture
def kafka() -> KafkaSettings:
    """A real broker with all streams, fresh and empty."""
    bootstrap = test_servers()[0]
    if not bootstrap:
        pytest.skip(f"MARSAD_TEST_KAFKA names no broker; {_HOW}")
    settings = KafkaSettings(bootstrap=bootstrap, prefix=f"t{secrets.token_hex(4)}", partitions=2)
    create_streams(settings)
    return settings


@pytest.fixture
def elastic() -> Iterator[ElasticsearchSettings]:
    """A real Elasticsearch, with a prefix that nothing else uses; its indices are deleted at the end."""
    url = test_servers()[1]
    if not url:
        pytest.skip(f"MARSAD_TEST_ELASTICSEARCH names no server; {_HOW}")
    settings = ElasticsearchSettings(url=url, prefix=f"t{secrets.token_hex(4)}", refresh="50ms")
    yield settings
    with Elasticsearch(url) as client:
        # By their names: a server refuses by default to delete what a pattern names (action.destructive_requires_name).
        for name in client.indices.get(index=f"{settings.prefix}-*").body:
            client.indices.delete(index=name)
        client.options(ignore_status=404).indices.delete_index_template(name=f"{settings.prefix}-*")
