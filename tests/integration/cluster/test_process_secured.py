"""A worker that reaches its broker over TLS and proves itself by a password."""

import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from pydantic import SecretStr

from marsad.config import KafkaSettings, child_environment, stack_dir
from marsad.records.codec import encode
from marsad.streams import Message
from marsad.testing.factories import a_feed, an_entry
from marsad_app.bench.replay import free_port
from marsad_app.bench.servers import LocalServer
from marsad_app.cluster.admin import create_streams
from processors.transact import TransactionalJournal, read_stream

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(240)]

PROGRAM = """
import sys
from marsad.config import load_settings
from marsad_app.cli.logs import configure_logs
from marsad_app.cluster import process
settings = load_settings()
configure_logs(settings.log)
sys.exit(process.run(settings))
"""


def openssl(folder: Path, *arguments: str) -> None:
    subprocess.run(["openssl", *arguments], cwd=folder, check=True, capture_output=True)


def certificates(folder: Path) -> Path:
    """A certificate of authority, and the broker's with its key in one file, as Kafka wants it."""
    folder.mkdir()
    (folder / "names").write_text("subjectAltName=IP:127.0.0.1")
    days = ("-days", "2", "-nodes", "-newkey", "rsa:2048")
    openssl(folder, "req", "-x509", *days, "-keyout", "ca.key", "-out", "ca.pem", "-subj", "/CN=test authority")
    openssl(folder, "req", *days[2:], "-keyout", "broker.key", "-out", "broker.csr", "-subj", "/CN=broker")
    openssl(
        folder,
        *("x509", "-req", "-in", "broker.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial"),
        *("-days", "2", "-extfile", "names", "-out", "broker.pem"),
    )
    both = (folder / "broker.key").read_text() + (folder / "broker.pem").read_text()
    (folder / "keystore.pem").write_text(both)
    return folder


@pytest.fixture
def secured(tmp_path: Path) -> Iterator[KafkaSettings]:
    """A broker that also listens with TLS and passwords."""
    program = stack_dir() / "kafka-local"
    if not program.is_file():
        pytest.skip(f"{program} is not there; MARSAD_STACK names the folder")
    if shutil.which("openssl") is None:
        pytest.skip("openssl, which makes the certificates, is not there")
    keys = certificates(tmp_path / "keys")
    plain, controller, safe = free_port(), free_port(), free_port()
    login = 'org.apache.kafka.common.security.plain.PlainLoginModule required username="b" password="b" user_marsad="geheim";'
    wanted = {
        "listeners": f"PLAINTEXT://127.0.0.1:{plain},CONTROLLER://127.0.0.1:{controller},SAFE://127.0.0.1:{safe}",
        "advertised.listeners": f"PLAINTEXT://127.0.0.1:{plain},SAFE://127.0.0.1:{safe}",
        "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,SAFE:SASL_SSL",
        "sasl.enabled.mechanisms": "PLAIN",
        "listener.name.safe.plain.sasl.jaas.config": login,
        "ssl.keystore.type": "PEM",
        "ssl.keystore.location": str(keys / "keystore.pem"),
    }
    options = [part for key, value in wanted.items() for part in ("--set", f"{key}={value}")]
    ports = ("--port", str(plain), "--controller-port", str(controller))
    broker = LocalServer(program, tmp_path / "broker", *ports, *options)
    broker.up()
    yield KafkaSettings(
        bootstrap=f"127.0.0.1:{safe}",
        prefix="safe",
        partitions=1,
        security="sasl_ssl",
        ca=keys / "ca.pem",
        sasl_mechanism="PLAIN",
        username="marsad",
        password=SecretStr("geheim"),
    )
    broker.remove()


def test_entries_go_through_over_tls_with_a_password(secured: KafkaSettings, tmp_path: Path) -> None:
    create_streams(secured)
    journal = TransactionalJournal(secured, "test-fill", "entries.v1", 0)
    entry = an_entry()
    journal.commit(
        [
            Message(stream="feeds.v1", key="feed-1", value=encode(a_feed())),
            Message(stream="entries.v1", key=entry.article_id, value=encode(entry)),
        ]
    )
    journal.close()
    environment = child_environment(
        MARSAD_DATA__DIR=str(tmp_path / "data"),
        MARSAD_KAFKA__BOOTSTRAP=secured.bootstrap,
        MARSAD_KAFKA__PREFIX=secured.prefix,
        MARSAD_KAFKA__PARTITIONS="1",
        MARSAD_KAFKA__SECURITY=secured.security,
        MARSAD_KAFKA__CA=str(secured.ca),
        MARSAD_KAFKA__SASL_MECHANISM=secured.sasl_mechanism,
        MARSAD_KAFKA__USERNAME=secured.username,
        MARSAD_KAFKA__PASSWORD="geheim",
    )
    log = tmp_path / "worker.log"
    with log.open("wb") as lines:
        worker = subprocess.Popen([sys.executable, "-c", PROGRAM], env=environment, stdout=lines, stderr=lines)
    try:
        limit = time.monotonic() + 60
        while not (found := [read.key for read in read_stream(secured, "tagged.v1")]):
            assert time.monotonic() < limit, log.read_text()
            assert worker.poll() is None, log.read_text()
            time.sleep(0.2)
        worker.terminate()
        assert worker.wait(10) == 0
    finally:
        worker.kill()
        worker.wait()

    assert found == [entry.article_id]
    assert "geheim" not in log.read_text()
