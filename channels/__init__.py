"""What happens to a message between entering and leaving; names no protocol."""
