"""The command line: `vagus VERB`, one module per verb, each loaded only when it is called."""

from vagus.cli.program import main

__all__ = ["main"]
