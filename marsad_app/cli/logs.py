"""Where log lines go: standard error, as text on a terminal and as JSON elsewhere, by ``log.level`` and ``log.format``."""

import contextlib
import logging
import sys
from collections.abc import Iterator
from typing import Final, Literal

import structlog

from marsad.config import LogSettings

__all__ = ["configure_logs", "no_log_lines"]

# Never with local variables: they hold page texts, and may hold the addresses of outlets with their passwords.
_tracebacks = structlog.processors.ExceptionRenderer(
    structlog.tracebacks.ExceptionDictTransformer(show_locals=False, max_frames=12)
)
_Level = Literal["debug", "info", "warning", "error"]


def configure_logs(settings: LogSettings, *, least: _Level = "debug") -> None:
    """Set up logging for a program that runs for long; libraries' own lines below warning are left out.

    Args:
        settings: level and format.
        least: the lowest level shown whatever the settings say.
    """
    level = max(logging.getLevelNamesMapping()[name.upper()] for name in (settings.level, least))
    text = settings.format == "text" or (settings.format == "auto" and sys.stderr.isatty())
    shape = (
        [structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty(), exception_formatter=structlog.dev.plain_traceback)]
        if text
        else [_tracebacks, structlog.processors.JSONRenderer(ensure_ascii=False)]
    )
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            *shape,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.WriteLoggerFactory(sys.stderr),
    )
    logging.basicConfig(
        level=max(level, logging.WARNING), stream=sys.stderr, format="%(levelname)s %(name)s: %(message)s"
    )


_CLIENTS: Final = ("kafka", "elastic_transport", "urllib3")


@contextlib.contextmanager
def no_log_lines() -> Iterator[None]:
    """For a command that ends with its answer: what clients log of an outage would hide the one sentence about it."""
    before = structlog.get_config()
    levels = {name: logging.getLogger(name).level for name in _CLIENTS}
    if not structlog.is_configured():
        structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    for name in _CLIENTS:
        logging.getLogger(name).setLevel(logging.CRITICAL + 1)
    try:
        yield
    finally:
        structlog.configure(**before)
        for name, level in levels.items():
            logging.getLogger(name).setLevel(level)
