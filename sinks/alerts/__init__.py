"""Alerts on their way out: when, in what words, through which outlet."""
