"""Event source mappings of Lambda as state machines without IO: streams, queues, filters, validation."""
