"""Moving canonical events durably; never reads a body."""
