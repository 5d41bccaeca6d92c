"""Bytes to tree and back, one folder or file for each wire format."""
