"""Every adapter of the cluster keeps the contracts that the fakes and SQLite keep."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from marsad.clock import SystemClock
from marsad.config import DataSettings, ElasticsearchSettings, KafkaSettings, Settings
from marsad.testing.contracts import CONTRACTS, Adapters
from marsad_app.cluster.store import ClusterStore

pytestmark = pytest.mark.cluster


@pytest.fixture
def adapters(kafka: KafkaSettings, elastic: ElasticsearchSettings, tmp_path: Path) -> Iterator[ClusterStore]:
    settings = Settings(kafka=kafka, elasticsearch=elastic, data=DataSettings(dir=tmp_path))
    store = ClusterStore(settings, SystemClock())
    yield store
    store.close()


@pytest.mark.parametrize("contract", CONTRACTS, ids=lambda contract: contract.__name__)
def test_kafka_and_elasticsearch_keep_the_contract(
    contract: Callable[[Adapters], None], adapters: ClusterStore
) -> None:
    contract(adapters)
