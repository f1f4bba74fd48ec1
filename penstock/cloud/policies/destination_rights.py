"""What a function's role must be allowed for the destinations of its events, and for its dead-letter queue.

Lambda asks for it twice: when these are set, so that a deployment without it fails, and again at each delivery.
Source: *Capturing records of Lambda asynchronous invocations* (permissions by kind of destination), Lambda developer
guide; "The provided execution role does not have permissions to call …" as users quote their deployments.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from penstock.cloud.policies.access import Ask
from penstock.cloud.policies.guard import Guard
from penstock.cloud.policies.mapping_rights import delivery_asks
from penstock.errors import TemplateError
from penstock.template.models import Function, Template


def destination_asks(
    arn: str, *, object_key: str | None = None, entry: Mapping[str, Any] | None = None
) -> Sequence[Ask]:
    """What sending to a destination asks for: ``object_key`` for a bucket, ``entry`` (of PutEvents) for a bus."""
    if arn.split(":")[2] == "events":
        return [Ask(action="events:PutEvents", resource=arn, details=entry or {})]
    return delivery_asks(arn, object_key)


def check_destinations(template: Template, guard: Guard) -> None:
    """Refuse, as Lambda does when it is deployed, what a function's role may not send to."""
    for function, logical_id, property_path, arn in _destinations(template):
        key = f"aws/lambda/async/{function.name}/any" if arn.startswith("arn:aws:s3:") else None
        asks = destination_asks(arn, object_key=key, entry={"Source": "lambda"})
        denial = guard.function_denial(function, asks)
        if denial is not None:
            raise TemplateError(
                f"the role of {function.label} may not send to {arn}: {denial}",
                logical_id=logical_id,
                property_path=property_path,
                remedy=f"allow {' and '.join(ask.action for ask in asks)} in a policy of the role",
            )


def _destinations(template: Template) -> Iterator[tuple[Function, str, str, str]]:
    """Function, and the logical id, property and ARN of each thing that it is to send to."""
    for function in template.functions:
        if function.dead_letter_target_arn is not None:
            yield function, function.logical_id, "DeadLetterConfig.TargetArn", function.dead_letter_target_arn
    for configuration in template.event_invoke_configurations:
        function = template.function_of(configuration.function_arn)
        for name, arn in (("OnSuccess", configuration.on_success_arn), ("OnFailure", configuration.on_failure_arn)):
            if arn is not None:
                yield function, configuration.logical_id, f"DestinationConfig.{name}.Destination", arn
