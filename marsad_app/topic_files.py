"""The topic files of ``process.topics_dir`` as the page changes them, each change written down so that it can be taken back.

The folder is the user's: whatever else writes there is as good. ``changes.jsonl`` beside the files holds the trail: one line for
each change, with the file's whole content before and after.
"""

import contextlib
import os
import threading
from collections.abc import Iterator
from datetime import datetime
from importlib.resources import files
from pathlib import Path
from typing import Final

import msgspec

from marsad.clock import Clock
from marsad.errors import ConfigError, StoreError
from marsad.records.ids import digest
from marsad.taxonomy import Taxonomy, Topic, load_taxonomy, read_topic
from marsad_app.kept_file import write_kept

__all__ = ["TRAIL", "Change", "TopicFiles", "fingerprint"]

TRAIL: Final = "changes.jsonl"
_SHORTEST_ID: Final = 12
_LARGEST_LINE: Final = 4_000_000
_ADVICE: Final = "; check process.topics_dir"


class Change(msgspec.Struct, frozen=True):
    """One change of one topic file. No content stands for no file: the shipped topic, or none."""

    id: str
    at: datetime
    topic: str
    by: str
    note: str
    before: str
    after: str


def fingerprint(content: str) -> str:
    """Return what tells a content from another."""
    return digest(content)


class TopicFiles:
    """Reads and changes the files.

    Args:
        folder: the user's topics; None where there is no such folder, and nothing can be changed.
        clock: when a change was made.
    """

    def __init__(self, folder: Path | None, clock: Clock) -> None:
        self._folder = folder
        self._clock = clock
        self._lock = threading.Lock()

    @property
    def writable(self) -> bool:
        """Whether there is a folder to write to."""
        return self._folder is not None

    def own(self, topic_id: str) -> str:
        """Return the user's file of a topic; empty where there is none."""
        path = self._path(topic_id)
        if path is None:
            return ""
        try:
            return path.read_text("utf-8")
        except FileNotFoundError:
            return ""
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigError(f"{path}: cannot be read: {error}") from error

    def shipped(self, topic_id: str) -> str:
        """Return the shipped file of a topic; empty where there is none."""
        folder = files("marsad.taxonomy") / "data"
        found = [file for file in folder.iterdir() if file.name == f"{topic_id}.toml"]
        return found[0].read_text("utf-8") if found else ""

    def current(self, topic_id: str) -> str:
        """Return the file that is in force."""
        return self.own(topic_id) or self.shipped(topic_id)

    def proposed(self, topic_id: str, content: str, *, learned: bool) -> tuple[Topic, Taxonomy]:
        """Return a topic as a text of it says, and all topics as they would be with it.

        Raises:
            TopicFileError: the text, or another file of the folder, is not after the schema; carries the line.
        """
        topic = read_topic(content.encode("utf-8", "replace"), f"{topic_id}.toml")
        known = load_taxonomy(self._folder, learned=learned)
        others = [one for one in known.topics if one.id != topic.id]
        topics = tuple(sorted((*others, topic), key=lambda one: one.id))
        own = known.own if content == self.shipped(topic_id) else known.own | {topic.id}
        return topic, msgspec.structs.replace(known, topics=topics, own=own)

    def save(self, topic_id: str, content: str, *, by: str, note: str, seen: str) -> Change:
        """Write a topic's file, and the change into the trail.

        Args:
            topic_id: names the file.
            content: all of it; empty removes the file, so that the shipped topic is in force again.
            by: who changes it, as they call themselves.
            note: why.
            seen: ``fingerprint`` of the content in force that the change was made from.

        Raises:
            TopicFileError: the content is not after the schema.
            ConfigError: somebody else has changed it meanwhile, or there is no folder.
            StoreError: the folder cannot be written.
        """
        if content:
            read_topic(content.encode("utf-8", "replace"), f"{topic_id}.toml")
        with self._lock:
            if fingerprint(self.current(topic_id)) != seen:
                raise ConfigError(f"{topic_id} was changed by somebody else in the meantime; load it again")
            return self._write(topic_id, content, by, note)

    def undo(self, change_id: str, *, by: str) -> Change:
        """Put back what was there before a change; that is a change too.

        Raises:
            ConfigError: there is no such change, or the file was changed since.
            StoreError: the folder cannot be written.
        """
        change = next((change for change in self.changes() if change.id == change_id), None)
        if change is None:
            raise ConfigError(f"there is no change {change_id!r}")
        with self._lock:
            if self.own(change.topic) != change.after:
                raise ConfigError(f"{change.topic} was changed again since; take back the later change first")
            return self._write(change.topic, change.before, by, f"undo {change.id}")

    def changes(self, topic_id: str = "") -> list[Change]:
        """Return the trail, newest first: of one topic, or of all. Lines that cannot be read are passed over."""
        found = [change for change in self._trail() if topic_id in {"", change.topic}]
        return found[::-1]

    def _trail(self) -> Iterator[Change]:
        if self._folder is None:
            return
        with contextlib.suppress(FileNotFoundError), (self._folder / TRAIL).open("rb") as lines:
            while line := lines.readline(_LARGEST_LINE):
                with contextlib.suppress(msgspec.DecodeError):
                    yield msgspec.json.decode(line, type=Change)

    def _write(self, topic_id: str, content: str, by: str, note: str) -> Change:
        path = self._path(topic_id)
        if path is None or self._folder is None:
            raise ConfigError("set process.topics_dir to a folder for your own topics; then they can be changed here")
        at, before = self._clock.now(), self.own(topic_id)
        change = Change(
            digest(f"{at.isoformat()} {topic_id} {before} {content}")[:_SHORTEST_ID],
            at,
            topic_id,
            by,
            note,
            before,
            content,
        )
        try:
            # The trail first: a change that is not written down would not be known to anybody.
            with (self._folder / TRAIL).open("ab") as trail:
                trail.write(msgspec.json.encode(change) + b"\n")
                trail.flush()
                os.fsync(trail.fileno())
            if not content:
                path.unlink(missing_ok=True)
        except OSError as error:
            raise StoreError(f"{path}: cannot be written: {error.strerror}{_ADVICE}") from error
        if content:
            write_kept(path, content.encode(), advice=_ADVICE)
        return change

    def _path(self, topic_id: str) -> Path | None:
        """Return where a topic's file lies. Ids have no slashes and no dots: the web page takes them from its address."""
        if self._folder is None:
            return None
        if not topic_id or not all(char.isascii() and (char.isalnum() or char == "-") for char in topic_id):
            raise ConfigError(f"{topic_id!r}: an id has small letters, digits and hyphens")
        return self._folder / f"{topic_id}.toml"
