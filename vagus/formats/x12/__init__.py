"""X12: bytes to segments and back, the implementation guides as data, findings by place."""
