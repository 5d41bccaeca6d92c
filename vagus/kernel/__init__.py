"""The floor of Vagus: the words every other package shares, and nothing that knows a protocol."""
