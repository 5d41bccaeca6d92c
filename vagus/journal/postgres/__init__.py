"""The journal in PostgreSQL: the same rows and the same logic, for engines on several machines."""
