"""Addresses: one identity form for all the ways in which one article is linked, and a clean form for readers.

The percent and host rules follow RFC 3986 section 6.2 and RFC 3987; the tracking parameters are those that news sites,
mailers and social networks append.
"""

import re
from typing import Final
from urllib.parse import SplitResult, parse_qs, quote, urlsplit

from marsad.normalform import nfc, nfkc

__all__ = ["canonical_url", "clean_url", "is_web_url", "shown_url"]

_TRACKING: Final = re.compile(
    r"(?:utm_|mtm_|pk_|piwik_|matomo_|hsa_|_hs|at_|fb_|ga_|oly_|vero_|sc_c|icid$|ncid$|cmpid$|ocid$|fbclid$|gclid$|gclsrc$"
    r"|dclid$|gbraid$|wbraid$|msclkid$|yclid$|twclid$|ttclid$|igshid$|igsh$|mc_cid$|mc_eid$|mkt_tok$|rss$|ns_|xtor$"
    r"|smid$|smtyp$|cid$|campaign_id$|trackingid$|s_cid$|wt\.mc|wtmc$|__twitter_impression$|spm$|scm$|ref_src$|ref_url$"
    r"|linkid$|soc_src$|soc_trk$|traffic_source$|amp$|amp_js_v$|amp_gsa$|usqp$|outputtype$|_ga$|_gl$|epik$|zarsrc$"
    r"|share$|shared$|guccounter$|guce_|maca$|phpsessid$|jsessionid$|sessionid$|_x_tr_|cmp$|ref$|source$|from$|referrer$)",
    re.IGNORECASE,
)
# "cid", "share", "rss" and some more alone are also content ids on some sites; they count as tracking only with one of these values.
_AMBIGUOUS: Final = {
    "cid": re.compile(r"[a-z_-]*(?:rss|social|twitter|facebook|newsletter)[\w-]*", re.IGNORECASE),
    "share": re.compile(r"[a-z-]+", re.IGNORECASE),
    "shared": re.compile(r"[a-z-]+", re.IGNORECASE),
    "rss": re.compile(r"(?:1|true|yes|feed|rss)?", re.IGNORECASE),
    "outputtype": re.compile(r"amp[\w-]*", re.IGNORECASE),
    "amp": re.compile(r"(?:1|true|yes)?", re.IGNORECASE),
    "cmp": re.compile(r"[a-z_-]*(?:rss|share|social|twitter|facebook|newsletter)[\w-]*", re.IGNORECASE),
    **dict.fromkeys(
        ("ref", "source", "from", "referrer"),
        re.compile(r"(?:rss|feeds?|feedburner|atom|twitter|facebook|telegram|whatsapp|newsletter)", re.IGNORECASE),
    ),
}
_BIDI: Final = re.compile("[\u061c\u200b\u200e\u200f\u202a-\u202e\u2060\u2066-\u2069\ufeff]")
_CONTROLS: Final = re.compile(r"[\x00-\x1f\x7f]")
_PERCENT_RUN: Final = re.compile(r"(?:%[0-9A-Fa-f]{2})+")
_STRAY_PERCENT: Final = re.compile(r"%(?![0-9A-Fa-f]{2})")
_UNRESERVED: Final = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")
_ASCII: Final = re.compile(r"[\x00-\x7f]")
_UNSAFE_IN_PATH: Final = re.compile(r"[^A-Za-z0-9._~%/:@!$&'()*+,;=-]+")
_UNSAFE_IN_QUERY: Final = re.compile(r"[^A-Za-z0-9._~%/:@!$'()*+,;=?-]+")
_MIRROR_HOST: Final = re.compile(r"^(?:(?:www\d?|m|mobile|amp)\.)+(?=[^.]+\.[^.])")
_IPV4: Final = re.compile(r"\d{1,3}(?:\.\d{1,3}){3}")
_AMP_TAIL: Final = re.compile(r"(?:/amp/?|\.amp(?=\.html?$|$))$|(?<=\.)amp\.(?=html?$)", re.IGNORECASE)
# One site's AMP pages below a folder of their own, at the root or in a language's: /amp/ar/a, /ar/amp/a.
_AMP_FOLDER: Final = re.compile(r"^(/[a-z]{2})?(?:/amp)+(?=/[^/])", re.IGNORECASE)
_SESSION: Final = re.compile(r";(?:jsessionid|phpsessid|sid)=[^/;]*", re.IGNORECASE)
_SLASHES: Final = re.compile("/{2,}")
_ESCAPED_AMPERSAND: Final = re.compile(r"&(?:amp;)+", re.IGNORECASE)
_GOOGLE_AMP: Final = re.compile(r"^/amp/(s/)?([^/]+\..+)$")
_CDN_AMP: Final = re.compile(r"^/[civ]/(?:s/)?([^/]+\..+)$")
_LOGIN: Final = re.compile(r"^(\s*[A-Za-z][A-Za-z0-9+.-]*://)[^/?#\\]*@")
_DEFAULT_PORTS: Final = {80, 443}
_ROUNDS: Final = 4
_WRAPPERS: Final = 8
"""Addresses within addresses; more are no link to an article."""
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


def shown_url(url: str) -> str:
    """The address as it may be shown and logged: without the name and password that it may hold for the server."""
    return _LOGIN.sub(r"\1", url) if "@" in url else url


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


def _canonical_once(url: str, wrappers: int = 0) -> str:
    text = _BIDI.sub("", _CONTROLS.sub("", url)).strip()
    parts = _split(text)
    if parts is None:
        return ""
    host = _host(parts.hostname or "")
    if not host:
        return ""
    inner = _unwrap_amp(host, parts.path)
    inner = f"https://{inner}" + (f"?{parts.query}" if parts.query else "") if inner else _unwrap_redirect(host, parts)
    if inner:
        return _canonical_once(inner, wrappers + 1) if wrappers < _WRAPPERS else ""
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


def _unwrap_redirect(host: str, parts: SplitResult) -> str:
    """The address that a Google Alerts link leads to; empty for others."""
    if parts.path != "/url" or not _MIRROR_HOST.sub("", host).startswith("google."):
        return ""
    values = parse_qs(parts.query, max_num_fields=50) if parts.query.count("&") < 50 else {}  # noqa: PLR2004 - never so many
    target = next(iter(values.get("url", values.get("q", []))), "")
    return target if is_web_url(target) and "google." not in target[:30] else ""


def _path(path: str) -> str:
    path = _encode(path, _UNSAFE_IN_PATH)
    if ";" in path:
        path = _SESSION.sub("", path)
    path = _SLASHES.sub("/", path)
    if "/." in path:
        path = _without_dots(path)
    path = _AMP_FOLDER.sub(r"\1", _AMP_TAIL.sub("", path))
    return path.rstrip("/") or "/"


def _without_dots(path: str) -> str:
    """RFC 3986 section 5.2.4."""
    kept: list[str] = []
    for segment in path.split("/"):
        if segment == "..":
            if len(kept) > 1:
                kept.pop()
        elif segment != ".":
            kept.append(segment)
    return "/".join(kept)


def _query(query: str) -> str:
    query = _ESCAPED_AMPERSAND.sub("&", query)
    kept = (part for part in query.split("&") if part and not _is_tracking(part))
    return "&".join(sorted(_encode(part, _UNSAFE_IN_QUERY) for part in kept))


def _is_tracking(part: str) -> bool:
    name, _, value = part.partition("=")
    ambiguous = _AMBIGUOUS.get(name.lower())
    if ambiguous is not None:
        return ambiguous.fullmatch(value) is not None
    return _TRACKING.match(name) is not None


def _encode(text: str, unsafe: re.Pattern[str]) -> str:
    """One percent-encoding: unreserved characters plain, all else that is unsafe as upper-case UTF-8 octets, NFC."""
    if "%" in text:
        text = _PERCENT_RUN.sub(_decode_run, _STRAY_PERCENT.sub("%25", text))
    return unsafe.sub(_octets, _BIDI.sub("", nfc(text)))


def _octets(match: re.Match[str]) -> str:
    # A third of the time that urllib's quote takes, which goes octet by octet.
    try:
        octets = match[0].encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:  # half a pair that stands for no octet
        octets = match[0].encode("utf-8", "replace")
    return "%" + octets.hex("%").upper()


def _decode_run(match: re.Match[str]) -> str:
    decoded = bytes.fromhex(match[0].replace("%", "")).decode("utf-8", "surrogateescape")
    if _ASCII.search(decoded) is None:
        return decoded
    return "".join(char if char in _UNRESERVED or not char.isascii() else f"%{ord(char):02X}" for char in decoded)
