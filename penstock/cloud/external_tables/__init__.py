"""Tables at another DynamoDB endpoint, which the user runs: definition, calls and streams, translated both ways."""

from penstock.cloud.external_tables.tables import ExternalTables

__all__ = ["ExternalTables"]
