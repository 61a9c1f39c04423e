"""A real broker and a real Elasticsearch on loopback, for tests and benches: started, killed, started again, stopped."""

import contextlib
import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from marsad.config import stack_dir
from marsad.errors import ConfigError

__all__ = ["LocalServer", "servers"]

_UP_S = 400.0
# Elasticsearch refuses to run as root and is then run as a user who can read here, not in a private temporary folder.
_ELASTIC_DATA = Path("/var/tmp")  # noqa: S108 - a folder with a random name is made in it


class LocalServer:
    """One server behind its start script.

    Args:
        program: the script, which knows ``up``, ``down``, ``kill`` and ``wipe``.
        data: folder of its data.
        options: further options of ``up``.
    """

    def __init__(self, program: Path, data: Path, *options: str) -> None:
        if not program.is_file():
            raise ConfigError(
                f"{program} is not there; set MARSAD_STACK to the folder that holds it, or name servers of your own"
            )
        self._program = program
        self._data = data
        self._options = options
        self.address = ""

    def up(self) -> str:
        """Start it, if it does not run; its address.

        Raises:
            ConfigError: it did not start; the message holds what it said.
        """
        said = self._call("up", *self._options, seconds=_UP_S)
        self.address = said.split()[-1]
        return self.address

    def kill(self) -> None:
        """End it as a power cut would."""
        self._call("kill")

    def down(self) -> None:
        """Stop it."""
        self._call("down")

    def remove(self) -> None:
        """Stop it and delete its data."""
        with contextlib.suppress(ConfigError):
            self.down()
        shutil.rmtree(self._data, ignore_errors=True)

    def pid(self) -> int:
        """The number of its process; 0 if it does not run."""
        try:
            state = json.loads(self._call("status"))
        except (ConfigError, ValueError):
            return 0
        return int(state.get("pid") or 0)

    def _call(self, verb: str, *options: str, seconds: float = 60.0) -> str:
        command = [sys.executable, str(self._program), verb, "--data", str(self._data), *options]
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=seconds, check=False)
        except subprocess.TimeoutExpired as error:
            raise ConfigError(f"{self._program.name} {verb} took longer than {seconds:.0f} s") from error
        if done.returncode:
            raise ConfigError(
                f"{self._program.name} {verb} failed: {done.stderr.strip()[-600:] or done.stdout.strip()[-600:]}"
            )
        return done.stdout


@contextlib.contextmanager
def servers(*, kafka: bool = True, elastic: bool = True) -> Iterator[tuple[LocalServer, LocalServer]]:
    """A fresh broker and a fresh Elasticsearch; both are removed at the end.

    Raises:
        ConfigError: one did not start.
    """
    folder = Path(tempfile.mkdtemp(prefix="marsad-kafka-"))
    elastic_folder = Path(tempfile.mkdtemp(prefix="marsad-elastic-", dir=_ELASTIC_DATA))
    elastic_folder.chmod(0o755)
    broker = LocalServer(stack_dir() / "kafka-local", folder / "data")
    index = LocalServer(stack_dir() / "elastic-local", elastic_folder / "data")
    try:
        if kafka:
            broker.up()
        if elastic:
            index.up()
        yield broker, index
    finally:
        broker.remove()
        index.remove()
        shutil.rmtree(folder, ignore_errors=True)
        shutil.rmtree(elastic_folder, ignore_errors=True)
