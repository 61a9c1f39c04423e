"""Real servers for the tests of the cluster size, each test with a prefix of its own."""

import secrets
from collections.abc import Iterator

import pytest
from elasticsearch import Elasticsearch
from kafka import KafkaAdminClient
from kafka.errors import KafkaError

from marsad.config import ElasticsearchSettings, KafkaSettings, test_servers
from marsad.connect import kafka_options
from marsad.streams import STREAMS, topic_name
from marsad_app.cluster.admin import create_streams

_HOW = "make test-cluster starts one"


@pytest.fixture
def kafka() -> Iterator[KafkaSettings]:
    """A real broker with all streams, fresh and empty; they are deleted at the end, for thousands of topics make a broker slow."""
    bootstrap = test_servers()[0]
    if not bootstrap:
        pytest.skip(f"MARSAD_TEST_KAFKA names no broker; {_HOW}")
    settings = KafkaSettings(bootstrap=bootstrap, prefix=f"t{secrets.token_hex(4)}", partitions=2)
    create_streams(settings)
    yield settings
    admin = KafkaAdminClient(**kafka_options(settings))
    try:
        admin.delete_topics([topic_name(settings.prefix, stream.name) for stream in STREAMS])
    except KafkaError:
        # The test may have deleted some, or stopped the broker.
        return
    finally:
        admin.close()


@pytest.fixture
def elastic() -> Iterator[ElasticsearchSettings]:
    """A real Elasticsearch, with a prefix that nothing else uses; its indices are deleted at the end."""
    url = test_servers()[1]
    if not url:
        pytest.skip(f"MARSAD_TEST_ELASTICSEARCH names no server; {_HOW}")
    settings = ElasticsearchSettings(url=url, prefix=f"t{secrets.token_hex(4)}", refresh="50ms", refresh_boards="50ms")
    yield settings
    with Elasticsearch(url) as client:
        # By their names: a server refuses by default to delete what a pattern names (action.destructive_requires_name).
        for name in client.indices.get(index=f"{settings.prefix}-*").body:
            client.indices.delete(index=name)
        client.options(ignore_status=404).indices.delete_index_template(name=f"{settings.prefix}-*")
