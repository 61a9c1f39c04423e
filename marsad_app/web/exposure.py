"""Whom the web page can be reached by."""

from ipaddress import ip_address

from marsad.config import WebSettings
from marsad.errors import ConfigError

__all__ = ["check_exposure", "is_loopback"]


def is_loopback(host: str) -> bool:
    """Tell whether an address to listen on, or a host name, is this machine alone."""
    if host.lower().rstrip(".") == "localhost":
        return True
    try:
        return ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def check_exposure(web: WebSettings) -> None:
    """See that nobody else can change things.

    Raises:
        ConfigError: it would be open to the network without a token.
    """
    if not is_loopback(web.host) and not web.token.get_secret_value():
        raise ConfigError(
            f"web.host is {web.host}, which other machines can reach: set web.token, or web.host to 127.0.0.1"
        )
