"""Writes what polling brings into the streams."""
