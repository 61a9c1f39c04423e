"""Saved objects sent to Kibana by its API. Doing it again replaces what it did before: ids are fixed."""

import asyncio
import ssl
from base64 import b64encode
from typing import Any, Final, NoReturn
from urllib.parse import urlsplit

import aiohttp
import msgspec

from marsad.config import ElasticsearchSettings, KibanaSettings
from marsad.errors import ConfigError, StoreError, said

__all__ = ["import_objects"]

_PATH: Final = "/api/saved_objects/_import"
_TIMEOUT_S: Final = 120.0
_MOST_ANSWER: Final = 4_194_304
_MOST_SAID: Final = 300
_MOST_LISTED: Final = 5
_REDIRECT: Final = 300
_REDIRECT_END: Final = 400


def import_objects(content: str, settings: KibanaSettings, elastic: ElasticsearchSettings) -> int:
    """Import a file of saved objects; how many there are in Kibana now.

    Args:
        content: lines of JSON.
        settings: where Kibana is, and how to prove who asks.
        elastic: whose credentials are used where ``settings`` has none.

    Raises:
        ConfigError: the address is none, or the CA cannot be read.
        StoreError: Kibana cannot be reached or does not take them; the sentence says why.
    """
    return asyncio.run(_import(content, settings, elastic))


async def _import(content: str, settings: KibanaSettings, elastic: ElasticsearchSettings) -> int:
    url = _address(settings)
    form = aiohttp.FormData()
    form.add_field("file", content.encode(), filename="marsad.ndjson", content_type="application/ndjson")
    timeout = aiohttp.ClientTimeout(total=_TIMEOUT_S)
    try:
        async with (
            aiohttp.ClientSession(timeout=timeout, headers=_headers(settings, elastic)) as session,
            session.post(
                url, params={"overwrite": "true"}, data=form, ssl=_trust(settings), allow_redirects=False
            ) as answer,
        ):
            body = _decoded(await _read(answer))
            if answer.status != 200:  # noqa: PLR2004  # the only one that is success
                _refuse(settings, answer.status, body)
    except TimeoutError as error:
        raise StoreError(f"Kibana at kibana.url ({settings.url}) does not answer within {_TIMEOUT_S:.0f} s") from error
    except aiohttp.ClientError as error:
        why = said(error, _MOST_SAID)
        raise StoreError(f"Kibana at kibana.url ({settings.url}) cannot be reached ({why}); is it running?") from error
    return _counted(settings, body)


def _address(settings: KibanaSettings) -> str:
    """The address of the API in the space.

    Raises:
        ConfigError: it is none; what it says of user and password is not repeated.
    """
    try:
        url = urlsplit(settings.url)
        usable = url.scheme in {"http", "https"} and bool(url.hostname) and url.port != 0
    except ValueError:
        usable = False
    if not usable:
        raise ConfigError("kibana.url is no address: expected one such as https://kibana.example:5601")
    if url.username is not None:
        raise ConfigError("kibana.url holds a user: set kibana.username and kibana.password")
    space = f"/s/{settings.space}" if settings.space else ""
    return settings.url.rstrip("/") + space + _PATH


def _headers(settings: KibanaSettings, elastic: ElasticsearchSettings) -> dict[str, str]:
    # Kibana refuses a change without the first, whatever it says.
    headers = {"kbn-xsrf": "marsad"}
    own = bool(settings.api_key.get_secret_value() or settings.username)
    from_ = settings if own else elastic
    if from_.api_key.get_secret_value():
        headers["authorization"] = f"ApiKey {from_.api_key.get_secret_value()}"
    elif from_.username:
        pair = f"{from_.username}:{from_.password.get_secret_value()}"
        headers["authorization"] = f"Basic {b64encode(pair.encode()).decode()}"
    return headers


def _trust(settings: KibanaSettings) -> ssl.SSLContext | bool:
    if settings.ca is None:
        return True
    try:
        return ssl.create_default_context(cafile=str(settings.ca))
    except OSError as error:
        raise ConfigError(f"kibana.ca ({settings.ca}) cannot be read: {error}") from error


async def _read(answer: aiohttp.ClientResponse) -> bytes:
    """What was answered, as far as a sane answer goes."""
    parts = bytearray()
    async for part in answer.content.iter_chunked(65_536):
        parts += part
        if len(parts) > _MOST_ANSWER:
            break
    return bytes(parts)


def _decoded(body: bytes) -> dict[str, Any]:
    try:
        found = msgspec.json.decode(body)
    except msgspec.DecodeError:
        return {}
    return found if isinstance(found, dict) else {}


def _refuse(settings: KibanaSettings, status: int, body: dict[str, Any]) -> NoReturn:
    where = f"Kibana at kibana.url ({settings.url})"
    reason = " ".join(str(body.get("message") or body.get("error") or "no reason given").split())[:_MOST_SAID]
    match status:
        case 401 | 403:
            advice = "check kibana.api_key, or username and password"
            raise StoreError(f"{where} refuses access (HTTP {status}); {advice}")
        case 404:
            space = f" or the space {settings.space!r} is not there" if settings.space else ""
            raise StoreError(f"{where} has no import (HTTP 404): the address is not Kibana's{space}")
        case 422:
            raise StoreError(f"{where} is too old for these objects (HTTP 422: {reason}); 8.12 or newer takes them")
        case _ if _REDIRECT <= status < _REDIRECT_END:
            raise StoreError(f"{where} sends elsewhere (HTTP {status}): it asks for a login, or has a base path")
    raise StoreError(f"{where} does not take the objects (HTTP {status}: {reason})")


def _counted(settings: KibanaSettings, body: dict[str, Any]) -> int:
    """How many were taken.

    Raises:
        StoreError: some were not, or the answer is not Kibana's.
    """
    if "success" not in body:
        raise StoreError(f"what answers at kibana.url ({settings.url}) is not Kibana")
    faults = body.get("errors") or []
    if not body["success"] or faults:
        shown = "; ".join(
            f"{fault.get('type')} {fault.get('id')}: {(fault.get('error') or {}).get('type')}"
            for fault in faults[:_MOST_LISTED]
        )
        raise StoreError(f"Kibana at kibana.url ({settings.url}) does not take {len(faults)} of the objects ({shown})")
    return int(body.get("successCount", 0))
