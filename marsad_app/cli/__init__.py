"""The command line. ``main`` is the entry point of ``marsad``; what a command needs is imported when it is asked for."""

from marsad_app.cli.root import main

__all__ = ["main"]
