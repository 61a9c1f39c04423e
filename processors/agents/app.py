"""A Faust app made from our settings; there is no global one."""

import contextlib
import ssl
from typing import Any, Final, cast

import faust
from faust.exceptions import ConsumerNotStarted
from faust.types.auth import CredentialsT
from yarl import URL

from marsad.config import KafkaSettings, Settings
from processors.agents.shared import Shared
from processors.agents.transport import Consumer, Transport

__all__ = ["App", "hear", "make_app"]

App = faust.App

_SESSION_S: Final = 10
_HEARTBEAT_S: Final = 3
# Must be longer than the session.
_REQUEST_S: Final = 90
# A batch that no broker takes for this long ends the worker; the next one waits for the broker before it reads anything.
_DELIVERY_S: Final = 120
_COMMIT_S: Final = 0.5
# A pause for the stage behind may be long; whether work hangs is for our own watchdog to judge.
_MAX_POLL_S: Final = 86_400
_LARGEST: Final = 10_485_760
_LINGER_S: Final = 0.005
_BATCH_BYTES: Final = 131_072


def make_app(settings: Settings, instance: str, shared: Shared) -> faust.App:
    """The app of one worker: raw bytes, no tables, no web server; the agents are registered on it by the caller.

    To be called where an event loop runs.

    Args:
        settings: the broker, and how many entries make a batch.
        instance: name of this worker in the group, the same after a restart.
        shared: what its consumer shares with its agent.
    """
    kafka = settings.kafka
    app = faust.App(
        f"{kafka.prefix}.process",
        # Faust would let variables such as BROKER_URL and PRODUCER_ACKS win over what is set here.
        env={},
        broker=[URL(f"kafka://{part.strip()}") for part in kafka.bootstrap.split(",")],
        datadir=settings.data.dir / "faust",
        key_serializer="raw",
        value_serializer="raw",
        consumer_group_instance_id=instance,
        consumer_auto_offset_reset="earliest",
        consumer_max_fetch_size=_LARGEST,
        broker_client_id=instance,
        broker_session_timeout=_SESSION_S,
        broker_heartbeat_interval=_HEARTBEAT_S,
        broker_request_timeout=_REQUEST_S,
        broker_max_poll_interval=_MAX_POLL_S,
        broker_max_poll_records=settings.process.batch,
        broker_commit_interval=_COMMIT_S,
        stream_buffer_maxsize=2 * settings.process.batch,
        stream_wait_empty=True,
        producer_acks=-1,
        producer_compression_type="lz4",
        producer_linger=_LINGER_S,
        producer_max_batch_size=_BATCH_BYTES,
        producer_max_request_size=_LARGEST,
        producer_request_timeout=_DELIVERY_S,
        topic_allow_declare=False,
        topic_disable_leader=True,
        web_enabled=False,
        worker_redirect_stdouts=False,
        **_security(kafka),
    )
    app.finalize()
    app.transport = Transport(app.conf.broker_consumer, app, shared)
    return app


def hear(app: faust.App) -> None:
    """Have the progress told how far the partitions reach, as the broker has said with the last records."""
    with contextlib.suppress(ConsumerNotStarted, KeyError):
        cast("Consumer", app.consumer).hear()


def _security(settings: KafkaSettings) -> dict[str, Any]:
    context = _tls(settings) if settings.security in {"ssl", "sasl_ssl"} else None
    credentials: CredentialsT | None = None
    if settings.security in {"sasl_plaintext", "sasl_ssl"}:
        credentials = faust.SASLCredentials(
            username=settings.username,
            password=settings.password.get_secret_value(),
            mechanism=settings.sasl_mechanism,
            ssl_context=context,
        )
    elif context is not None:
        credentials = faust.SSLCredentials(context)
    return {"broker_credentials": credentials, "ssl_context": context}


def _tls(settings: KafkaSettings) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=str(settings.ca) if settings.ca is not None else None)
    if settings.certificate is not None:
        context.load_cert_chain(settings.certificate, settings.key)
    return context
