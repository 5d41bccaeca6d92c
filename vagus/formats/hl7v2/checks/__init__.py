"""Whether a decoded message keeps to the standard: findings with places, without values.

Levels: 1 encoding (bytes, delimiters, escapes), 2 structure (message type, segments, fields,
repetitions and components), 3 data types (shapes and lengths), 4 tables, 5 a site's profile.
"""

from vagus.formats.hl7v2.checks.check import check, unreadable

__all__ = ["check", "unreadable"]
