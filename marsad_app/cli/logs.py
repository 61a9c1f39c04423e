"""Where log lines go: standard error, as text on a terminal and as JSON elsewhere, by ``log.level`` and ``log.format``."""

import logging
import sys
from typing import Literal

import structlog

from marsad.config import LogSettings

__all__ = ["configure_logs"]

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
