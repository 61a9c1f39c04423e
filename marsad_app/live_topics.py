"""The topics in force while a service runs: read again when a file of ``process.topics_dir`` has changed."""

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Final, TypeAlias

import structlog

from marsad.clock import Clock
from marsad.config import ProcessSettings
from marsad.errors import TopicFileError
from marsad.taxonomy import Taxonomy, load_learned, load_taxonomy
from marsad.taxonomy.resolve import topic_resolver

__all__ = ["LiveTopics", "Topics", "unfitting"]

_log = structlog.get_logger(__name__)
_LOOK_EVERY_S: Final = 2.0

Topics: TypeAlias = Callable[[], Taxonomy]
"""The topics as they are now; cheap enough to be asked for each article."""

_Look: TypeAlias = tuple[tuple[str, int, int], ...]
"""By file: its name, when it was changed, and its size."""


def unfitting(taxonomy: Taxonomy) -> list[str]:
    """Return in sentences where the learned weights do not fit the topics in force."""
    if not taxonomy.learned:
        return []
    found = []
    if taxonomy.stale:
        found.append("the learned weights were fitted over other rules than the shipped topics have; run `make train`")
    changed = sorted(taxonomy.own & load_learned().topics.keys())
    if changed:
        found.append(f"{', '.join(changed)}: changed, so decided by rules alone and no longer by learned weights")
    return found


class LiveTopics:
    """The topics of the settings. A change that cannot be read is told once and leaves those in force that were.

    Args:
        settings: the folder of the user's topics, and whether the learned layer takes part.
        clock: for looking no more often than every two seconds.

    Raises:
        TopicFileError: the files cannot be read at the start.
    """

    def __init__(self, settings: ProcessSettings, clock: Clock) -> None:
        self._settings = settings
        self._clock = clock
        self._lock = threading.Lock()
        self._look = self._seen()
        self._taxonomy = self._load()
        self._resolve = topic_resolver(self._taxonomy)
        self._next = clock.monotonic() + _LOOK_EVERY_S
        self.problem = ""

    def __call__(self) -> Taxonomy:
        """Return the topics in force."""
        if self._settings.topics_dir is not None and self._clock.monotonic() >= self._next:
            with self._lock:
                self._refresh()
        return self._taxonomy

    def resolve(self, field: str, value: str) -> str | None:
        """Return the id of the topic with that id or name, as ``topic_resolver`` does for the topics in force."""
        self()
        return self._resolve(field, value)

    def _refresh(self) -> None:
        now = self._clock.monotonic()
        if now < self._next:
            return
        self._next = now + _LOOK_EVERY_S
        look = self._seen()
        if look == self._look:
            return
        self._look = look
        try:
            taxonomy = self._load()
        except TopicFileError as error:
            self.problem = str(error)
            _log.warning("topics were changed and cannot be read; those before stay in force", error=str(error))
            return
        self.problem = ""
        if taxonomy.version != self._taxonomy.version:
            self._taxonomy, self._resolve = taxonomy, topic_resolver(taxonomy)
            _log.info("topics were changed", version=taxonomy.version, own=sorted(taxonomy.own))

    def _load(self) -> Taxonomy:
        taxonomy = load_taxonomy(self._settings.topics_dir, learned=self._settings.learned_topics)
        for warning in unfitting(taxonomy):
            _log.warning("learned weights", warning=warning)
        return taxonomy

    def _seen(self) -> _Look:
        folder = self._settings.topics_dir
        return _look(folder) if folder is not None else ()


def _look(folder: Path) -> _Look:
    found = []
    try:
        for path in sorted(folder.glob("*.toml")):
            stat = path.stat()
            found.append((path.name, stat.st_mtime_ns, stat.st_size))
    except OSError:
        # A file that went away under our hands: the next look sees what became of it.
        return ()
    return tuple(found)
