"""The sections of the settings: what each holds, its default and its bounds. ``marsad.config`` reads them."""

from ipaddress import ip_network
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, SecretStr
from pydantic_settings import NoDecode

from marsad.addresses import Network

__all__ = [
    "AlertSettings",
    "DataSettings",
    "ElasticsearchSettings",
    "HealthSettings",
    "KafkaSettings",
    "KibanaSettings",
    "LogSettings",
    "PollSettings",
    "ProcessSettings",
    "WebSettings",
    "WebSubSettings",
]


def _split(value: object) -> object:
    """Let a list be written in the environment as words between commas."""
    return [part.strip() for part in value.split(",") if part.strip()] if isinstance(value, str) else value


def _networks(value: object) -> object:
    parts = _split(value)
    return (
        [ip_network(part, strict=False) if isinstance(part, str) else part for part in parts]
        if isinstance(parts, list)
        else parts
    )


def _public_base(value: str) -> str:
    """An address that paths can be put behind."""
    if not value:
        return value
    parts = urlsplit(value)
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.query or parts.fragment:
        raise ValueError("an http or https address without ? and # is expected, such as https://news.example.org")
    return value.rstrip("/")


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class DataSettings(_Section):
    """Where the embedded size keeps what it knows."""

    size: Literal["auto", "embedded", "cluster"] = Field(
        "auto",
        description="where commands and the web page look: the embedded store, or Kafka and Elasticsearch; "
        "auto: the cluster if kafka.bootstrap is set",
    )
    dir: Path = Field(
        Path(".marsad"),
        description="folder of the embedded store, or of what a cluster service can make anew; made if missing",
    )
    keep_days: int = Field(
        30, ge=0, description="days that raw entries with their page HTML are kept for replays; 0 keeps them for ever"
    )


class PollSettings(_Section):
    """How feeds and article pages are asked for. Times are seconds."""

    min_interval: float = Field(120, gt=0, description="shortest time between two polls of a feed")
    max_interval: float = Field(86_400, gt=0, description="longest time between two polls of a feed")
    patience: float = Field(
        150,
        gt=0,
        description="a feed of an entry an hour is asked again when its new entries will have waited so long, all their "
        "times added up, a busier one a little sooner; half of it means 40 % more requests and news 30 % fresher",
    )
    unconditional_every: float = Field(
        43_200,
        gt=0,
        description="a feed is asked without validators at least this often: the guard against false 304 answers",
    )
    concurrency: int = Field(64, ge=1, le=2_000, description="requests at once, all hosts together")
    host_concurrency: int = Field(2, ge=1, description="requests at once to one registrable domain")
    host_spacing: float = Field(
        1.0, ge=0, description="pause between two requests to one registrable domain; none inside allow_networks"
    )
    timeout: float = Field(30, gt=0, description="whole time of one request, redirects and body included")
    max_feed_bytes: int = Field(10_000_000, ge=10_000, description="largest feed body, after decompression")
    max_page_bytes: int = Field(5_000_000, ge=10_000, description="largest article page, after decompression")
    max_redirects: int = Field(5, ge=0, le=20, description="redirects followed in one request")
    max_entries: int = Field(
        2_000, ge=1, description="entries read from one feed document; more is a problem that is shown"
    )
    backfill_pages: int = Field(
        5,
        ge=0,
        le=50,
        description="older pages asked for, at most, to fill a gap between two polls; all together no larger than "
        "max_feed_bytes; 0 fills none",
    )
    pages: bool = Field(True, description="fetch the article page where the feed gives only a summary")
    page_attempts: int = Field(3, ge=1, description="tries for one article page before the feed's own text is used")
    robots: bool = Field(True, description="obey robots.txt for article pages")
    allow_networks: Annotated[tuple[Network, ...], NoDecode, BeforeValidator(_networks)] = Field(
        (), description="private addresses (CIDR) that may be asked all the same, such as 127.0.0.0/8"
    )
    user_agent: str = Field(
        "Marsad/0.1 (+news monitoring; feed reader)",
        min_length=3,
        description="what servers are told; name a page or an address at which their operators can reach you",
    )


class WebSubSettings(_Section):
    """Being sent news by a feed's hub (WebSub) instead of waiting for the next poll; off until `websub.callback` is set.

    Hubs call `<websub.callback>/websub/…`: let the proxy in front hand that path, and no other if you like, to the web page.
    """

    callback: Annotated[str, AfterValidator(_public_base)] = Field(
        "",
        description="address at which hubs on the Internet reach this web page, such as https://news.example.org; "
        "empty: no hub is asked",
    )
    lease: int = Field(
        864_000, ge=60, le=2_592_000, description="seconds for which hubs are asked to push; they may decide otherwise"
    )
    spacing: float = Field(
        10,
        gt=0,
        description="mean time in seconds between the pushes of one feed that are taken; faster ones are told to wait",
    )
    longest_wait: float = Field(
        3_600,
        gt=0,
        le=3_600,
        description="longest time between two polls of a feed whose pushes prove to come, in seconds: the safety net",
    )


class ProcessSettings(_Section):
    """How entries become articles."""

    batch: int = Field(64, ge=1, le=1_000, description="entries in one transaction")
    topics_dir: Path | None = Field(
        None, description="folder of your own topic files; they add to the shipped ones or replace them by id"
    )
    learned_topics: bool = Field(
        True, description="let learned weights correct the rules of the shipped topics; false: rules alone"
    )
    group_days: float = Field(
        7, gt=0, le=30, description="days in which reports can join one story; 0.5 is twelve hours"
    )


class WebSettings(_Section):
    """The web page and the API."""

    host: str = Field("127.0.0.1", description="address to listen on; another than loopback needs web.token")
    port: int = Field(8080, ge=0, le=65_535, description="0 takes a free port")
    base_url: str = Field("", description="address that readers use, for links in alerts; default: http://host:port")
    token: SecretStr = Field(SecretStr(""), description="if set, changes through the API and the pages need it")
    images: bool = Field(
        False,
        description="show an article's picture; the reader's browser then loads it from the outlet or whoever serves it",
    )


class AlertSettings(_Section):
    """How alerts go out."""

    terminal: bool = Field(True, description="show alerts on the terminal of `marsad run`")
    retry_first: float = Field(30, gt=0, description="seconds before the second try; doubles each time, up to 6 h")
    give_up_after: float = Field(
        194_400,
        ge=0,
        description="seconds from the first try to the last; then the outlet is no longer tried and its owner is told through the others",
    )
    timeout: float = Field(15, gt=0, le=120, description="seconds that an outlet may take for each step of one message")
    operator: SecretStr = Field(
        SecretStr(""), description="outlet that is told of a lost outlet where the subscription has no other"
    )
    allow_networks: Annotated[tuple[Network, ...], NoDecode, BeforeValidator(_networks)] = Field(
        (),
        description="private addresses (CIDR) that webhooks and other outlets of subscriptions may be at, such as 10.0.0.0/8",
    )
    smtp_host: str = Field("", description="mail server for mailto: outlets; they are refused where it is empty")
    smtp_port: int = Field(587, ge=1, le=65_535, description="its port")
    smtp_tls: Literal["starttls", "tls", "none"] = Field("starttls", description="how the connection is encrypted")
    smtp_user: str = Field("", description="user at the mail server; empty where it asks for none")
    smtp_password: SecretStr = Field(SecretStr(""), description="password of that user")
    mail_from: str = Field("Marsad <marsad@localhost>", description="sender of the mails: a name and an address")
    key: SecretStr = Field(
        SecretStr(""),
        description="if set, addresses of outlets are stored encrypted with it (any 16 or more random characters, the same for all services)",
    )


class KafkaSettings(_Section):
    """The broker of the cluster size."""

    bootstrap: str = Field("127.0.0.1:9092", description="host:port, several between commas")
    prefix: str = Field("marsad", pattern=r"^[a-z0-9.-]+$", description="first part of every stream's name")
    partitions: int = Field(
        4, ge=1, le=256, description="partitions of each stream but one: as many workers of a stage can share the work"
    )
    replication: int = Field(1, ge=1, le=9, description="copies of each stream; 3 where there are three brokers")
    instance: str = Field(
        "",
        pattern=r"^[A-Za-z0-9._-]*$",
        description="name of this worker, the same after a restart; default: the host's name and the first free slot on it",
    )
    max_lag: int = Field(
        100_000, ge=1_000, description="messages that may wait for a stage before the one ahead of it pauses"
    )
    security: Literal["plaintext", "ssl", "sasl_plaintext", "sasl_ssl"] = Field(
        "plaintext", description="how the broker is spoken to"
    )
    ca: Path | None = Field(None, description="certificates (PEM) that the broker's is checked against")
    certificate: Path | None = Field(None, description="client certificate (PEM)")
    key: Path | None = Field(None, description="key of the client certificate (PEM)")
    sasl_mechanism: Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] = Field(
        "SCRAM-SHA-512", description="how the user proves itself"
    )
    username: str = Field("", description="SASL user")
    password: SecretStr = Field(SecretStr(""), description="SASL password")


class ElasticsearchSettings(_Section):
    """The index of the cluster size."""

    url: str = Field("http://127.0.0.1:9200", description="address of the cluster")
    prefix: str = Field("marsad", pattern=r"^[a-z0-9-]+$", description="first part of every index name")
    username: str = Field("", description="user for basic authentication")
    password: SecretStr = Field(SecretStr(""), description="its password")
    api_key: SecretStr = Field(SecretStr(""), description="API key (encoded form); instead of user and password")
    ca: Path | None = Field(None, description="certificates (PEM) that the cluster's is checked against")
    shards: int = Field(1, ge=1, le=64, description="primary shards of each month's index")
    replicas: int = Field(0, ge=0, le=5, description="copies of each shard; 1 where there are two nodes")
    refresh: str = Field(
        "500ms", pattern=r"^\d+(ms|s|m)$", description="how soon after being indexed an article is found"
    )
    refresh_boards: str = Field(
        "5s", pattern=r"^\d+(ms|s|m)$", description="the same of feeds' states and alerts, which dashboards show"
    )
    timeout: float = Field(30, gt=0, description="seconds for one request")


class KibanaSettings(_Section):
    """Where data views and dashboards are imported into. Without credentials here, those of ``elasticsearch`` are used."""

    url: str = Field("http://127.0.0.1:5601", description="address of Kibana, with its base path if it has one")
    space: str = Field("", pattern=r"^[a-z0-9_-]*$", description="space that is imported into; empty: the default one")
    username: str = Field("", description="user for basic authentication")
    password: SecretStr = Field(SecretStr(""), description="its password")
    api_key: SecretStr = Field(SecretStr(""), description="API key (encoded form); instead of user and password")
    ca: Path | None = Field(None, description="certificates (PEM) that Kibana's is checked against")


class HealthSettings(_Section):
    """The health endpoint of each cluster service: /healthz, /readyz and /metrics."""

    host: str = Field("127.0.0.1", description="address to listen on")
    port: int = Field(0, ge=0, le=65_535, description="0 takes a free port, which the log names")
    stall_after: float = Field(
        60, gt=0, description="seconds without progress, with work waiting, after which the service is unhealthy"
    )
    exit_after: float = Field(
        300, gt=0, description="seconds without progress, with work waiting, after which it ends, to be started anew"
    )


class LogSettings(_Section):
    """What is written to standard error."""

    level: Literal["debug", "info", "warning", "error"] = Field(
        "info", description="least weight of a line that is written"
    )
    format: Literal["auto", "text", "json"] = Field("auto", description="auto: text on a terminal, JSON elsewhere")
