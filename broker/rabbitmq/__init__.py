"""Canonical events between processes over RabbitMQ; the journal is the outbox."""
