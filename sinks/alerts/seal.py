"""Addresses of outlets hold passwords and tokens: they are stored encrypted where ``alerts.key`` is set.

AES-SIV (RFC 5297) gives the same text for the same address, so that what is saved again is recognised. What is sealed still
shows which kind of outlet it is.
"""

import base64
import binascii
import hashlib
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESSIV

from marsad.errors import ConfigError
from sinks.alerts.plan import TERMINAL

__all__ = ["Seal", "shown"]

_MARK: Final = "sealed:"
_SHORTEST: Final = 16


class Seal:
    """Seals and opens addresses.

    Args:
        key: ``alerts.key``; empty: addresses are stored as they are.

    Raises:
        ConfigError: the key is too short.
    """

    def __init__(self, key: str) -> None:
        if key and len(key) < _SHORTEST:
            raise ConfigError(f"alerts.key has {len(key)} characters; give it at least {_SHORTEST} random ones")
        self._cipher = AESSIV(hashlib.blake2b(key.encode(), person=b"marsad outlets").digest()) if key else None

    def close(self, address: str) -> str:
        """The address as it is stored."""
        if self._cipher is None or address == TERMINAL or address.startswith(_MARK):
            return address
        scheme = address.partition(":")[0]
        sealed = self._cipher.encrypt(address.encode(), [scheme.encode()])
        return f"{_MARK}{scheme}:{base64.urlsafe_b64encode(sealed).decode()}"

    def open(self, stored: str) -> str:
        """The address as it was given.

        Raises:
            ConfigError: it was sealed with another key.
        """
        if not stored.startswith(_MARK):
            return stored
        scheme, _, text = stored.removeprefix(_MARK).partition(":")
        try:
            if self._cipher is None:
                raise ConfigError(
                    f"the outlet {scheme}:… is stored encrypted: set alerts.key to the key that it was saved with"
                )
            return self._cipher.decrypt(base64.urlsafe_b64decode(text), [scheme.encode()]).decode()
        except (InvalidTag, binascii.Error, ValueError):
            raise ConfigError(
                f"the outlet {scheme}:… was encrypted with another key: set alerts.key back, or enter the address again"
            ) from None


def shown(outlet: str) -> str:
    """What of an address may be shown: which kind it is, since the rest may hold a password."""
    scheme, colon, rest = outlet.removeprefix(_MARK).partition(":")
    return f"{scheme}{colon}//…" if colon and rest else f"{scheme}{colon}"
