"""The instant of a feed's date, where it is written in one of the two standard forms.

Good enough to order entries and to prove gaps. Reading dates in words is the cleaning step's work, on the raw string.
"""

import re
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Final

__all__ = ["instant"]

_ISO: Final = re.compile(r"\d{4}-\d{2}-\d{2}(?:[T ]\d{2}:\d{2}.*)?")
_DIGITS: Final = str.maketrans("٠١٢٣٤٥٦٧٨٩۰۱۲۳۴۵۶۷۸۹", "01234567890123456789")
_LONGEST: Final = 80


def instant(raw: str) -> datetime | None:
    """Read an RFC 822 or ISO 8601 date; one without zone counts as UTC. None for all else."""
    text = raw.strip().translate(_DIGITS)
    if not text or len(text) > _LONGEST:
        return None
    try:
        moment = datetime.fromisoformat(text) if _ISO.fullmatch(text) else parsedate_to_datetime(text)
        offset = moment.utcoffset() or timedelta()
        return moment.replace(tzinfo=UTC) - offset
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
