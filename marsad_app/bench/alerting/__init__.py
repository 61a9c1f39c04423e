"""Alerts over a month of real articles on a virtual clock: what is delivered, against what a brute-force oracle expects."""
