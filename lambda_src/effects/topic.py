"""The notification topic.

Rung: none of its own; a standard topic takes every publish as a new message. `notify` puts Powertools idempotency
around it.
"""

import json
from dataclasses import dataclass

from effects.clients import SNSClient
from orders.notification import Notification


@dataclass(frozen=True, slots=True, kw_only=True)
class Topic:
    """The topic under its ARN, spoken to through an SNS client."""

    client: SNSClient
    arn: str

    def publish(self, notification: Notification) -> str:
        """Publish one notification and give the message's id. 1 call; subscriptions may filter on `status`."""
        answer = self.client.publish(
            TopicArn=self.arn,
            Subject=notification.subject,
            Message=json.dumps(notification.message),
            MessageAttributes={"status": {"DataType": "String", "StringValue": notification.status}},
        )
        return str(answer["MessageId"])
