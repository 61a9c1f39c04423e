"""Reads the streams for the sinks."""
