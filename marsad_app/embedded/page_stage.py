"""Reads the article pages that entries wait for."""

import asyncio
from collections.abc import Callable, Coroutine
from datetime import timedelta
from typing import Any

import msgspec
import structlog

from marsad.clock import Clock
from marsad.config import PollSettings
from marsad.errors import TransientError
from marsad.events import EventSink, PageFetched
from marsad.records import Entry
from marsad_app.embedded.queue import EntryQueue, Queued

__all__ = ["PageStage"]

_log = structlog.get_logger(__name__)
_IDLE_S = 0.2


class PageStage:
    """Keeps as many page requests under way as the settings allow; an entry goes on with its page, or with the reason why not.

    Args:
        queue: where entries wait.
        read: reads one page (``producers.pages.PageReader.read``); raises ``TransientError`` for what may succeed later.
        settings: attempts and concurrency.
        clock: the time.
        events: takes what happened.
    """

    def __init__(
        self,
        queue: EntryQueue,
        read: Callable[[Entry], Coroutine[Any, Any, Entry]],
        settings: PollSettings,
        clock: Clock,
        events: EventSink,
    ) -> None:
        self._queue = queue
        self._read = read
        self._settings = settings
        self._clock = clock
        self._events = events
        self._busy: dict[int, asyncio.Task[None]] = {}
        self._fault: Exception | None = None

    async def run(self, stop: asyncio.Event) -> None:
        """Work until ``stop``; pages under way then are given up and read again after the next start.

        Raises:
            StoreError: what was read cannot be stored; the entries keep waiting for their pages.
        """
        self._fault = None
        try:
            while not stop.is_set():
                if self._fault is not None:
                    raise self._fault
                started = await self._start_some()
                if not started:
                    with_timeout = asyncio.wait_for(stop.wait(), _IDLE_S)
                    await asyncio.gather(with_timeout, return_exceptions=True)
        finally:
            tasks = list(self._busy.values())
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _start_some(self) -> int:
        room = self._settings.concurrency - len(self._busy)
        if room <= 0:
            return 0
        waiting = await asyncio.to_thread(self._queue.wanting_page, self._clock.now(), room, skip=frozenset(self._busy))
        for item in waiting:
            task = asyncio.create_task(self._one(item))
            self._busy[item.seq] = task
        return len(waiting)

    async def _one(self, item: Queued) -> None:
        try:
            await self._take(item)
        except Exception as error:  # noqa: BLE001 - carried to ``run``: reading on would ask for the same pages without end
            self._fault = error
        finally:
            self._busy.pop(item.seq, None)

    async def _take(self, item: Queued) -> None:
        try:
            entry = await self._read(item.entry)
        except TransientError as error:
            if item.attempts + 1 < self._settings.page_attempts:
                wait = max(error.retry_after or 0, 5 * 4**item.attempts)
                await asyncio.to_thread(self._queue.page_later, item.seq, self._clock.now() + timedelta(seconds=wait))
                return
            entry = msgspec.structs.replace(item.entry, page_problem=str(error))
        except Exception as error:  # noqa: BLE001 - one page must not stop the others; the entry goes on without it
            _log.error("page reader failed", url=item.entry.url, error=f"{type(error).__name__}: {error}")
            entry = msgspec.structs.replace(item.entry, page_problem=f"{type(error).__name__} while reading the page")
        await asyncio.to_thread(self._queue.page_read, item.seq, entry)
        self._events.emit(PageFetched(entry_id=entry.entry_id, problem=entry.page_problem))
