"""The transactional journal is held to the same contract as the streams in memory."""

import time
from collections.abc import Callable, Iterator

import pytest
from kafka import KafkaConsumer, TopicPartition

from marsad.config import KafkaSettings
from marsad.connect import consumer_options, poll
from marsad.streams import topic_name
from marsad.testing.journal_contracts import JOURNAL_CONTRACTS, Broker
from processors.transact import TransactionalJournal

pytestmark = pytest.mark.cluster


class RealBroker:
    """Journals of members of the consumer groups, as the loop of the stages opens them."""

    def __init__(self, kafka: KafkaSettings) -> None:
        self._kafka = kafka
        self._consumers: dict[tuple[str, str], KafkaConsumer] = {}
        self._journals: list[TransactionalJournal] = []

    def open(self, stage: str, source: str, partition: int) -> TransactionalJournal:
        group = self._member(stage, source).group_metadata
        journal = TransactionalJournal(self._kafka, stage, source, partition, group)
        self._journals.append(journal)
        return journal

    def _member(self, stage: str, source: str) -> KafkaConsumer:
        if (stage, source) not in self._consumers:
            # What was just made may not be known everywhere yet.
            options = consumer_options(self._kafka) | {"metadata_max_age_ms": 1_000}
            consumer = KafkaConsumer(**options, group_id=f"{self._kafka.prefix}.{stage}")
            consumer.subscribe([topic_name(self._kafka.prefix, source)])
            limit = time.monotonic() + 60
            while not consumer.assignment():
                poll(consumer, 100, 500)
                assert time.monotonic() < limit, "the consumer group gave no partition"
            self._consumers[stage, source] = consumer
        return self._consumers[stage, source]

    def place(self, stage: str, source: str, partition: int) -> int:
        place = TopicPartition(topic_name(self._kafka.prefix, source), partition)
        return int(self._member(stage, source).committed(place) or 0)

    def close(self) -> None:
        for journal in self._journals:
            journal.close()
        for consumer in self._consumers.values():
            consumer.close()


@pytest.fixture
def broker(kafka: KafkaSettings) -> Iterator[RealBroker]:
    opened = RealBroker(kafka)
    yield opened
    opened.close()


@pytest.mark.parametrize("contract", JOURNAL_CONTRACTS, ids=lambda contract: contract.__name__)
def test_the_transactional_journal_keeps_the_contract(broker: RealBroker, contract: Callable[[Broker], None]) -> None:
    contract(broker)
