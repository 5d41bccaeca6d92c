"""Whether a decoded message keeps to the standard: findings with places, without values.

Levels: 1 encoding (bytes, delimiters, escapes), 2 structure (message type, segments, fields,
repetitions and components), 3 data types (shapes and lengths), 4 tables, 5 a site's profile,
6 what hl7apy adds.
"""
