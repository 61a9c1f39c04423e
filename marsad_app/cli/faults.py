"""The one error of the command line's own: a query that can be shown with its fault."""

from marsad.errors import QueryError

__all__ = ["ShownQueryError"]


class ShownQueryError(QueryError):
    """A query error with the lines that show where it is.

    Args:
        reason: what was expected.
        position: 0-based offset into the query.
        lines: the query, and a caret below the fault.
    """

    def __init__(self, reason: str, position: int, lines: tuple[str, ...]) -> None:
        super().__init__(reason, position)
        self.lines = lines
