"""The durable record of messages, deliveries, dead letters, seals and the ledger."""
