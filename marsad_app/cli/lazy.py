"""A group of commands that imports a command's module only when that command is asked for.

``marsad --help`` and its completion stay quick: listing shows the table's own lines and imports nothing.
"""

from importlib import import_module
from typing import Any, ClassVar, NamedTuple

import typer
from typer.core import TyperCommand, TyperGroup

__all__ = ["Entry", "LazyGroup", "example"]


class Entry(NamedTuple):
    """Where a command is, and its line in the list."""

    module: str
    """Holds ``app``: a group of that name, or a group that has a command of that name, or one command."""
    help: str
    panel: str = ""


def example(*commands: str) -> str:
    """The end of every help text: how the command is used."""
    return "\n".join(["Example:", *(f"$ {command}" for command in commands)])


class LazyGroup(TyperGroup):
    """Commands by table; subclasses set it."""

    table: ClassVar[dict[str, Entry]] = {}

    def __init__(self, **attributes: Any) -> None:
        super().__init__(**attributes)
        for name, entry in self.table.items():
            if name not in self.commands:
                # Only the line in the list; whatever runs it or asks for its help comes through ``resolve_command``.
                self.commands[name] = TyperCommand(name, help=entry.help, rich_help_panel=entry.panel or None)

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """Put the true command in the place of its line, then go on as usual."""
        if args and args[0] in self.table:
            self.load(args[0])
        return super().resolve_command(ctx, args)

    def load(self, name: str) -> Any:
        """Import the command of that name."""
        entry = self.table[name]
        command = typer.main.get_command(import_module(entry.module).app)
        command = getattr(command, "commands", {}).get(name, command)
        command.name = name
        self.commands[name] = command
        return command
