"""Addresses: one identity form for all the ways in which one article is linked, and a clean form for readers.

The percent and host rules follow RFC 3986 section 6.2 and RFC 3987; the tracking parameters are those that news sites,
mailers and social networks append.
"""

import re
from typing import Final
from urllib.parse import SplitResult, quote, unquote_to_bytes, urlsplit

from marsad.normalform import nfc, nfkc

__all__ = ["canonical_url", "clean_url", "is_web_url"]

_TRACKING: Final = re.compile(
    r"(?:utm_|mtm_|pk_|piwik_|matomo_|hsa_|_hs|at_|fb_|ga_|oly_|vero_|sc_c|icid$|ncid$|cmpid$|ocid$|fbclid$|gclid$|gclsrc$"
    r"|dclid$|gbraid$|wbraid$|msclkid$|yclid$|twclid$|ttclid$|igshid$|igsh$|mc_cid$|mc_eid$|mkt_tok$|rss$|ns_|xtor$"
    r"|smid$|smtyp$|cid$|campaign_id$|trackingid$|s_cid$|wt\.mc|wtmc$|__twitter_impression$|spm$|scm$|ref_src$|ref_url$"
    r"|linkid$|soc_src$|soc_trk$|traffic_source$|amp$|amp_js_v$|amp_gsa$|usqp$|outputtype$|_ga$|_gl$|epik$|zarsrc$"
    r"|share$|shared$|guccounter$|guce_)",
    re.IGNORECASE,
)
# "cid", "share" and "rss" alone are also content ids on some sites; they count as tracking only with one of these values.
_AMBIGUOUS: Final = {
    "cid": re.compile(r"[a-z_-]*(?:rss|social|twitter|facebook|newsletter)[\w-]*", re.IGNORECASE),
    "share": re.compile(r"[a-z-]+", re.IGNORECASE),
    "shared": re.compile(r"[a-z-]+", re.IGNORECASE),
    "rss": re.compile(r"(?:1|true|yes|feed|rss)?", re.IGNORECASE),
    "outputtype": re.compile(r"amp[\w-]*", re.IGNORECASE),
    "amp": re.compile(r"(?:1|true|yes)?", re.IGNORECASE),
}
_BIDI: Final = re.compile("[\u061c\u200b\u200e\u200f\u202a-\u202e\u2060\u2066-\u2069\ufeff]")
_CONTROLS: Final = re.compile(r"[\x00-\x1f\x7f]")
_PERCENT_RUN: Final = re.compile(r"(?:%[0-9A-Fa-f]{2})+")
_STRAY_PERCENT: Final = re.compile(r"%(?![0-9A-Fa-f]{2})")
_UNRESERVED: Final = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")
_MIRROR_HOST: Final = re.compile(r"^(?:(?:www\d?|m|mobile|amp)\.)+(?=[^.]+\.[^.])")
_IPV4: Final = re.compile(r"\d{1,3}(?:\.\d{1,3}){3}")
_AMP_TAIL: Final = re.compile(r"(?:/amp/?|\.amp(?=\.html?$|$))$|(?<=\.)amp\.(?=html?$)", re.IGNORECASE)
_GOOGLE_AMP: Final = re.compile(r"^/amp/(s/)?([^/]+\..+)$")
_CDN_AMP: Final = re.compile(r"^/[civ]/(?:s/)?([^/]+\..+)$")
_DEFAULT_PORTS: Final = {80, 443}
_ROUNDS: Final = 4
# What needs no cleaning: most addresses of articles. Everything else is taken apart.
_PLAIN: Final = re.compile(
    r"https?://[a-z0-9][a-z0-9.-]*(?:/[^?#\s\x00-\x1f\x7f\u061c\u200b\u200e\u200f\u202a-\u202e\u2060\u2066-\u2069\ufeff]*)?"
)


def is_web_url(url: str) -> bool:
    """Tell whether a string is an absolute http or https address with a host."""
    try:
        parts = urlsplit(url.strip())
        return parts.scheme.lower() in {"http", "https"} and bool(parts.hostname)
    except ValueError:
        return False


def canonical_url(url: str) -> str:
    """The identity form: equal for all addresses that mean one article. Not meant to be opened.

    Scheme (but for literal IP addresses and localhost), ``www.``, mobile and AMP variants, tracking parameters, their
    order, the fragment, a trailing slash and the way in which letters are percent-encoded make no difference.

    Args:
        url: an address as given.

    Returns:
        The identity form, itself canonical; empty for what is no http or https address.
    """
    current = _canonical_once(url)
    for _ in range(_ROUNDS):
        again = _canonical_once(current)
        if again == current:
            break
        current = again
    return current


def clean_url(url: str) -> str:
    """The same address for readers: without tracking parameters, invisible controls and fragment; host and scheme stay.

    Returns:
        The address, or the stripped input where it is no http or https address.
    """
    if _PLAIN.fullmatch(url):
        return url
    text = _BIDI.sub("", _CONTROLS.sub("", url)).strip()
    parts = _split(text)
    if parts is None:
        return text
    query = "&".join(part for part in parts.query.split("&") if part and not _is_tracking(part))
    host = parts.netloc if "@" not in parts.netloc else parts.netloc.rpartition("@")[2]
    return parts._replace(scheme=parts.scheme.lower(), netloc=host, query=query, fragment="").geturl()


def _split(text: str) -> SplitResult | None:
    try:
        parts = urlsplit(text)
        _ = parts.port
    except ValueError:
        return None
    return parts if parts.scheme.lower() in {"http", "https"} and parts.hostname else None


def _canonical_once(url: str) -> str:
    text = _BIDI.sub("", _CONTROLS.sub("", url)).strip()
    parts = _split(text)
    if parts is None:
        return ""
    host = _host(parts.hostname or "")
    if not host:
        return ""
    unwrapped = _unwrap_amp(host, parts.path)
    if unwrapped:
        return _canonical_once(f"https://{unwrapped}" + (f"?{parts.query}" if parts.query else ""))
    literal = _is_literal(host)
    scheme = parts.scheme.lower() if literal else "https"
    netloc = host if literal else _MIRROR_HOST.sub("", host)
    if parts.port and (parts.port not in _DEFAULT_PORTS or (literal and _odd_port(scheme, parts.port))):
        netloc = f"{netloc}:{parts.port}"
    path = _path(parts.path)
    query = _query(parts.query)
    return f"{scheme}://{netloc}{path}" + (f"?{query}" if query else "")


def _odd_port(scheme: str, port: int) -> bool:
    return port != (80 if scheme == "http" else 443)


def _host(host: str) -> str:
    """Lower case, no trailing dot, IDN labels as ``xn--``; brackets round IPv6."""
    host = nfkc(host).lower().rstrip(".")
    if ":" in host:
        return f"[{host}]"
    if host.isascii():
        return host if re.fullmatch(r"[a-z0-9._~!$&'()*+,;=%-]+", host) else ""
    try:
        return host.encode("idna").decode("ascii").lower()
    except UnicodeError:
        return quote(host.encode("utf-8", "replace"), safe=".-").lower()


def _is_literal(host: str) -> bool:
    return host.startswith("[") or host == "localhost" or _IPV4.fullmatch(host) is not None


def _unwrap_amp(host: str, path: str) -> str:
    """The address inside Google's AMP viewer or cache; empty for others."""
    if _MIRROR_HOST.sub("", host).startswith("google.") and (match := _GOOGLE_AMP.match(path)):
        return match[2]
    if host.endswith(".cdn.ampproject.org") and (match := _CDN_AMP.match(path)):
        return match[1]
    return ""


def _path(path: str) -> str:
    path = _encode(path, safe="/:@!$&'()*+,;=")
    path = _AMP_TAIL.sub("", path)
    return path.rstrip("/") or "/"


def _query(query: str) -> str:
    kept = (part for part in query.split("&") if part and not _is_tracking(part))
    return "&".join(sorted(_encode(part, safe="/:@!$'()*+,;=?") for part in kept))


def _is_tracking(part: str) -> bool:
    name, _, value = part.partition("=")
    ambiguous = _AMBIGUOUS.get(name.lower())
    if ambiguous is not None:
        return ambiguous.fullmatch(value) is not None
    return _TRACKING.match(name) is not None


def _encode(text: str, *, safe: str) -> str:
    """One percent-encoding: unreserved characters plain, all else that is not ``safe`` as upper-case UTF-8 octets, NFC."""
    text = _PERCENT_RUN.sub(_decode_run, _STRAY_PERCENT.sub("%25", text))
    text = _BIDI.sub("", nfc(text))
    return quote(text.encode("utf-8", "surrogateescape"), safe=f"{safe}%~")


def _decode_run(match: re.Match[str]) -> str:
    decoded = unquote_to_bytes(match.group()).decode("utf-8", "surrogateescape")
    return "".join(char if char in _UNRESERVED or not char.isascii() else f"%{ord(char):02X}" for char in decoded)
