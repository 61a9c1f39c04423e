"""Polling simulated: 20,000 feeds over two weeks, our decisions against the rules of others."""
