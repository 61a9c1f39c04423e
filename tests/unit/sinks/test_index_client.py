"""How Elasticsearch is reached, and what is said when it is not."""

from pathlib import Path
from typing import Any

import pytest
from elastic_transport import ApiResponseMeta, HttpHeaders, NodeConfig
from elasticsearch import ApiError, ConnectionTimeout
from elasticsearch import ConnectionError as NoConnection
from pydantic import SecretStr

from marsad.config import ElasticsearchSettings
from marsad.errors import ConfigError, StoreError
from sinks.index.client import client_options, connect, explained


def settings(**fields: Any) -> ElasticsearchSettings:
    return ElasticsearchSettings(**fields)


def answered(status: int, body: Any) -> ApiError:
    """The error of an answer with this status."""
    node = NodeConfig("http", "127.0.0.1", 9200)
    meta = ApiResponseMeta(status=status, http_version="1.1", headers=HttpHeaders(), duration=0.1, node=node)
    return ApiError("message", meta=meta, body=body)


def test_the_address_gets_the_port_of_its_scheme() -> None:
    assert client_options(settings(url="https://search.example/es/"))["hosts"] == ["https://search.example:443/es"]
    assert client_options(settings(url="http://[::1]:9200"))["hosts"] == ["http://[::1]:9200"]


def test_the_client_asks_only_this_address_and_waits_as_long_as_is_set() -> None:
    options = client_options(settings(timeout=7))

    assert options["request_timeout"] == 7
    assert not options["sniff_on_start"]
    assert not options["sniff_on_node_failure"]


def test_an_api_key_goes_before_user_and_password() -> None:
    user: dict[str, Any] = {"username": "elastic", "password": SecretStr("geheim")}

    assert client_options(settings(**user))["basic_auth"] == ("elastic", "geheim")
    both = client_options(settings(**user, api_key=SecretStr("a2V5")))
    assert both["api_key"] == "a2V5"
    assert "basic_auth" not in both


def test_a_ca_is_used_with_tls_and_is_an_error_without(tmp_path: Path) -> None:
    ca = tmp_path / "ca.pem"

    assert client_options(settings(url="https://es.example:9200", ca=ca))["ca_certs"] == str(ca)
    with pytest.raises(ConfigError, match=r"elasticsearch\.ca is set"):
        client_options(settings(url="http://es.example:9200", ca=ca))


def test_a_ca_that_cannot_be_read_is_a_fault_of_the_settings(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"elasticsearch\.ca .*cannot be read"):
        connect(settings(url="https://es.example:9200", ca=tmp_path / "missing.pem"))


@pytest.mark.parametrize("url", ["localhost:9200", "", "ftp://es.example", "http://", "http://es.example:port"])
def test_what_is_no_address_is_refused(url: str) -> None:
    with pytest.raises(ConfigError, match=r"elasticsearch\.url is no address"):
        client_options(settings(url=url))


def test_a_password_in_the_address_is_refused_and_never_shown() -> None:
    unsafe = settings(url="https://elastic:geheim@es.example:9200")
    with pytest.raises(ConfigError) as refused:
        client_options(unsafe)
    with pytest.raises(StoreError) as down, explained(unsafe):
        raise NoConnection("refused")

    assert "geheim" not in str(refused.value)
    assert "geheim" not in str(down.value)
    assert "https://es.example:9200" in str(down.value)


@pytest.mark.parametrize("error", [NoConnection("Connection refused"), ConnectionTimeout("timed out")])
def test_a_server_that_is_down_is_named_by_its_setting(error: Exception) -> None:
    with (
        pytest.raises(StoreError, match=r"elasticsearch\.url \(http://127\.0\.0\.1:9200\) does not answer"),
        explained(settings()),
    ):
        raise error


@pytest.mark.parametrize(
    ("status", "body", "said"),
    [
        (401, {"error": {"type": "security_exception", "reason": "no"}}, "refuses access.*elasticsearch.api_key"),
        (
            400,
            {
                "error": {
                    "type": "illegal_argument_exception",
                    "reason": "no mapping found for `search.story` to collapse",
                }
            },
            "older shape.*marsad index reindex",
        ),
        (403, "", "refuses access"),
        (429, {"error": {"root_cause": [{"type": "circuit_breaking", "reason": "big"}]}}, "too much to do.*429.*big"),
        (400, {"error": {"type": "x", "reason": "Query contains too many nested clauses"}}, "query too large"),
        (500, {"error": "odd"}, "HTTP 500: odd"),
        (502, None, "HTTP 502: message"),
        (400, {"error": {"root_cause": [], "type": "t", "reason": "line\none"}}, "t: line one"),
    ],
)
def test_what_the_server_refuses_is_said_in_one_sentence(status: int, body: Any, said: str) -> None:
    with pytest.raises(StoreError, match=said) as caught, explained(settings()):
        raise answered(status, body)

    assert "elasticsearch.url" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_dead_address_is_a_store_error() -> None:
    dead = settings(url="http://127.0.0.1:9", timeout=1)
    with connect(dead) as client, pytest.raises(StoreError, match="does not answer"), explained(dead):
        client.info()
