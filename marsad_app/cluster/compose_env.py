"""Writes ``.env`` for ``docker compose``: passwords that nobody chose. ``python -m marsad_app.cluster.compose_env``.

What is there already is kept: the passwords are also in the volumes of the servers that were started with them.
"""

import base64
import os
import secrets
import sys
import tempfile
import uuid
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from marsad.errors import ConfigError, MarsadError

__all__ = ["GENERATED", "completed", "main", "write_env"]


def _secret() -> str:
    """192 bits in letters and digits alone, which need no escape in a file, an address or JSON."""
    return secrets.token_hex(24)


def _cluster_id() -> str:
    """A UUID as Kafka writes it; it may not begin with a dash."""
    while (text := base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")).startswith("-"):
        continue
    return text


GENERATED: Final[Mapping[str, tuple[str, Callable[[], str]]]] = {
    "KAFKA_CLUSTER_ID": ("name of the Kafka cluster; belongs to the volume kafka-data", _cluster_id),
    "KAFKA_PASSWORD": ("of the user marsad in Kafka", _secret),
    "ELASTIC_PASSWORD": ("of the user elastic, who may do anything in Elasticsearch and Kibana", _secret),
    "KIBANA_PASSWORD": ("with which Kibana logs in to Elasticsearch", _secret),
    "KIBANA_ENCRYPTION_KEY": ("for what Kibana keeps encrypted", _secret),
    "MARSAD_ELASTIC_PASSWORD": ("of the user marsad in Elasticsearch", _secret),
    "WEB_TOKEN": ("who has it may change things on the web page", _secret),
}
"""What the compose file cannot do without: by name, what it is and what makes it."""

_HEAD: Final = """\
# Read by docker compose. Keep it as long as the volumes, and keep it secret.
# docker-compose.yml says what else can be set here, such as WEB_PORT and PROCESS_REPLICAS.
"""


def completed(text: str) -> tuple[str, list[str]]:
    """The file with all that was missing in it; and the names of what was.

    Args:
        text: the file as it is; may be empty. What has a value keeps it, with comments and order.
    """
    lines = text.splitlines() or _HEAD.splitlines()
    given = {name.strip().removeprefix("export ").strip(): value.strip() for name, _, value in map(_split, lines)}
    missing = [name for name in GENERATED if given.get(name, "").strip("'\"") == ""]
    lines = [line for line in lines if _name(line) not in missing]
    for name in missing:
        what, make = GENERATED[name]
        lines += [f"# {what}", f"{name}={make()}"]
    return "\n".join(lines) + "\n", missing


def _split(line: str) -> tuple[str, str, str]:
    return ("", "", "") if line.lstrip().startswith("#") else line.partition("=")


def _name(line: str) -> str:
    return _split(line)[0].strip().removeprefix("export ").strip()


def write_env(path: Path) -> list[str]:
    """Add what is missing to the file, or make it; only its owner can read it then. The names of what was added.

    Raises:
        ConfigError: it cannot be read or written.
    """
    try:
        text, missing = completed(path.read_text(encoding="utf-8") if path.exists() else "")
        if missing:
            _replace(path, text)
        else:
            path.chmod(0o600)
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise ConfigError(f"{path}: cannot be completed: {reason}; move it away or mend it") from error
    return missing


def _replace(path: Path, text: str) -> None:
    """Whole or not at all; and never readable by others, not for a moment."""
    number, name = tempfile.mkstemp(prefix=".env-", dir=path.parent)
    try:
        with os.fdopen(number, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def main(arguments: list[str]) -> int:
    """Write the file that is named, by default ``.env`` in the working folder; the exit status."""
    path = Path(arguments[0] if arguments else ".env")
    try:
        missing = write_env(path)
    except MarsadError as error:
        sys.stderr.write(f"marsad: {error}\n")
        return 1
    sys.stdout.write(f"{path}: {'added ' + ', '.join(missing) if missing else 'complete, nothing changed'}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
