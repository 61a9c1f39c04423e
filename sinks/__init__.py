"""What takes news out: the index and the alerts."""
