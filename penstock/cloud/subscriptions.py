"""Subscriptions of queues to topics: moto delivers; here a queue gets only what its policy lets the topic send."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


def guard_subscriptions(may_send: Callable[[str, str], bool]) -> None:
    """Make moto ask ``may_send(topic ARN, queue ARN)`` before each delivery to a queue, in this whole process.

    SNS drops a message that the queue does not take; the publisher hears nothing of it.
    """
    from moto.sns.models import Subscription

    publish = getattr(Subscription.publish, "original", Subscription.publish)

    def publish_where_allowed(self: Any, message: str, *arguments: Any, **options: Any) -> None:
        wanted = self._filter_policy_matcher
        if wanted is not None and not wanted.matches(options.get("message_attributes"), message):
            return
        if self.protocol != "sqs" or may_send(self.topic.arn, self.endpoint):
            publish(self, message, *arguments, **options)

    publish_where_allowed.original = publish  # type: ignore[attr-defined]
    Subscription.publish = publish_where_allowed
