"""A bus of orders with one rule, which has one target."""

from penstock.template.models import EventBus, Rule, RuleTarget

ARN = "arn:aws:sqs:us-east-1:123456789012:"
TARGET = RuleTarget(
    id="t",
    arn=ARN + "orders",
    role_arn=None,
    maximum_event_age_in_seconds=3600,
    maximum_retry_attempts=3,
    dead_letter_arn=ARN + "dead",
    input=None,
    input_path=None,
    input_transformer=None,
    message_group_id=None,
)
RULE = Rule(
    logical_id="Rule",
    label="Rule",
    stack="s",
    name="placed",
    arn="arn:aws:events:us-east-1:123456789012:rule/orders/placed",
    event_bus_name="orders",
    enabled=True,
    event_pattern={"detail-type": ["OrderPlaced"]},
    targets=(TARGET,),
)
BUS = EventBus(logical_id="B", stack="s", name="orders", arn="arn:aws:events:us-east-1:123456789012:event-bus/orders")
