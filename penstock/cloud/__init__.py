"""The embedded cloud: provisioning, tables, bus, queues, and the front door every call passes."""
