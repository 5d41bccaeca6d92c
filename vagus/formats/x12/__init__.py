"""X12: bytes to segments and back, the implementation guides as data, findings by place."""

from vagus.formats.x12.tokenizer import looks_like

__all__ = ["looks_like"]
