"""The composition root: command line, the embedded size, the web page."""
