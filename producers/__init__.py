"""What brings news in: the feed catalogue, fetching, parsing, polling policy, article pages."""
