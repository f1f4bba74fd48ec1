"""What the effects need of boto3's clients: these operations and no others, which is also what a role must allow."""

from typing import Any, Protocol


class DynamoDBClient(Protocol):
    """The low-level DynamoDB client."""

    def get_item(self, **request: Any) -> dict[str, Any]:
        """Call GetItem."""
        ...

    def put_item(self, **request: Any) -> dict[str, Any]:
        """Call PutItem."""
        ...

    def update_item(self, **request: Any) -> dict[str, Any]:
        """Call UpdateItem."""
        ...

    def query(self, **request: Any) -> dict[str, Any]:
        """Call Query."""
        ...

    def batch_execute_statement(self, **request: Any) -> dict[str, Any]:
        """Call BatchExecuteStatement."""
        ...

    def transact_write_items(self, **request: Any) -> dict[str, Any]:
        """Call TransactWriteItems."""
        ...


class EventBridgeClient(Protocol):
    """The EventBridge client."""

    def put_events(self, **request: Any) -> dict[str, Any]:
        """Call PutEvents."""
        ...


class SNSClient(Protocol):
    """The SNS client."""

    def publish(self, **request: Any) -> dict[str, Any]:
        """Call Publish."""
        ...
