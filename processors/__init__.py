"""What changes a record: clean, tag, locate, group, match, in the order of `processors.pipeline`."""
