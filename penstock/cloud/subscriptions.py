"""Subscriptions of queues and functions to topics.

moto delivers to queues, we put events into the queues of functions; either gets only what its policy lets the topic
send. What is not taken goes to the subscription's dead-letter queue: to SNS that is an error of a client, which is not
retried (*Amazon SNS dead-letter queues*). The publisher hears nothing of it.

Source: *Invoking Lambda functions with Amazon SNS notifications* (the event).
"""

from __future__ import annotations

import functools
import json
from collections.abc import Callable
from typing import Any

from penstock.cloud.deliveries import InvokeAsynchronously
from penstock.cloud.engine import EngineError
from penstock.cloud.moto.hooks import hang
from penstock.cloud.moto.messages import bury_message, dead_letters_of

MayDeliver = Callable[[str, str], bool]
"""Whether a topic (ARN) may send to a queue or invoke a function (ARN)."""


def connect_subscriptions(may_deliver: MayDeliver, invoke: InvokeAsynchronously) -> None:
    """Make moto ask ``may_deliver`` before each delivery and ``invoke`` subscribed functions, in this whole process."""
    from moto.sns.models import Subscription

    hang(Subscription, "publish", functools.partial(_delivered, may_deliver, invoke))


def _delivered(
    may_deliver: MayDeliver, invoke: InvokeAsynchronously, publish: Callable[..., None]
) -> Callable[..., None]:
    def deliver(self: Any, message: str, message_id: str, **options: Any) -> None:
        wanted = self._filter_policy_matcher
        if wanted is not None and not wanted.matches(options.get("message_attributes"), message):
            return
        if self.protocol not in ("sqs", "lambda"):
            publish(self, message, message_id, **options)
            return
        try:
            if not may_deliver(self.topic.arn, self.endpoint):
                raise EngineError("AccessDenied", f"{self.topic.arn} may not deliver to {self.endpoint}")
            if self.protocol == "sqs":
                publish(self, message, message_id, **options)
            else:
                invoke(self.endpoint, json.dumps(event_of(self, message, message_id, options), ensure_ascii=False))
        except EngineError as refusal:
            dead_letters = dead_letters_of(self)
            if dead_letters is not None and may_deliver(self.topic.arn, dead_letters):
                bury_message(self, message, message_id, options, code=refusal.code, reason=refusal.message)

    return deliver


def event_of(subscription: Any, message: str, message_id: str, options: dict[str, Any]) -> dict[str, Any]:
    """The event of one message for a function that subscribes."""
    if options.get("message_structure") == "json":
        message = subscription._parse_message_structure(message, subscription.protocol)
    told = subscription.get_post_data(message, message_id, options.get("subject"), options.get("message_attributes"))
    return {
        "Records": [
            {
                "EventSource": "aws:sns",
                "EventVersion": "1.0",
                "EventSubscriptionArn": subscription.arn,
                "Sns": {
                    "Type": told["Type"],
                    "MessageId": told["MessageId"],
                    "TopicArn": told["TopicArn"],
                    "Subject": told.get("Subject"),
                    "Message": told["Message"],
                    "Timestamp": told["Timestamp"],
                    "SignatureVersion": told["SignatureVersion"],
                    "Signature": told["Signature"],
                    "SigningCertUrl": told["SigningCertURL"],
                    "UnsubscribeUrl": told["UnsubscribeURL"],
                    "MessageAttributes": told.get("MessageAttributes", {}),
                },
            }
        ]
    }
