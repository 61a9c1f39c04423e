"""The web page and the API. It sees ports only, so that both sizes share it."""
