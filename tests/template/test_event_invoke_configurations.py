"""How functions are invoked asynchronously, as templates say it."""

from __future__ import annotations

from typing import Any

import pytest

from penstock.errors import TemplateError
from penstock.template.models import EventInvokeConfiguration
from tests.template.assembly_writer import AssemblyWriter
from tests.template.test_template_functions import ARN, worker


def configured(logical_id: str = "Events", **properties: Any) -> dict[str, Any]:
    """Make a configuration of the function."""
    defaults = {"FunctionName": {"Ref": "Function"}, "Qualifier": "$LATEST"}
    return {logical_id: {"Type": "AWS::Lambda::EventInvokeConfig", "Properties": {**defaults, **properties}}}


def test_configuration_takes_the_defaults_of_lambda(assembly: AssemblyWriter) -> None:
    """Six hours, two attempts, no destinations; ``$LATEST`` is the function itself."""
    (found,) = assembly.read({**worker(), **configured()}).event_invoke_configurations

    assert found == EventInvokeConfiguration(
        logical_id="Events",
        function_arn=ARN,
        maximum_event_age_in_seconds=21_600,
        maximum_retry_attempts=2,
        on_success_arn=None,
        on_failure_arn=None,
    )


def test_configuration_is_read_whole(assembly: AssemblyWriter) -> None:
    """Of an alias, with limits and destinations; the account's own bus is one without being defined."""
    bus = {"Fn::Sub": "arn:aws:events:${AWS::Region}:${AWS::AccountId}:event-bus/default"}
    given = configured(
        Qualifier="live",
        MaximumEventAgeInSeconds=60,
        MaximumRetryAttempts=0,
        DestinationConfig={
            "OnSuccess": {"Destination": bus},
            "OnFailure": {"Destination": {"Fn::GetAtt": ["Bucket", "Arn"]}},
        },
    )
    bucket = {"Type": "AWS::S3::Bucket", "Properties": {"BucketName": "failures"}}

    (found,) = assembly.read({**worker(), **given, "Bucket": bucket}).event_invoke_configurations

    assert (found.function_arn, found.maximum_event_age_in_seconds, found.maximum_retry_attempts) == (
        f"{ARN}:live",
        60,
        0,
    )
    assert found.on_success_arn == "arn:aws:events:us-east-1:123456789012:event-bus/default"
    assert found.on_failure_arn == "arn:aws:s3:::failures"


def test_dead_letter_queue_is_the_functions(assembly: AssemblyWriter) -> None:
    """A queue or a topic of the template."""
    topic = {"Type": "AWS::SNS::Topic", "Properties": {"TopicName": "dead"}}

    (found,) = assembly.read({**worker(DeadLetterConfig={"TargetArn": {"Ref": "Dead"}}), "Dead": topic}).functions

    assert found.dead_letter_target_arn == "arn:aws:sns:us-east-1:123456789012:dead"


@pytest.mark.parametrize(
    ("resources", "said"),
    [
        (configured(Qualifier="blue"), "Events.FunctionName: the function Function has no alias or version blue"),
        (configured(MaximumRetryAttempts=3), "Events.MaximumRetryAttempts: 3 is out of range; use 0 to 2"),
        (configured(MaximumEventAgeInSeconds=59), "MaximumEventAgeInSeconds: 59 is out of range; use 60 to 21600"),
        ({**configured(), **configured("More")}, f"More.FunctionName: Events configures {ARN} already"),
        (
            configured(DestinationConfig={"OnSuccess": {"Destination": "arn:aws:s3:::failures"}}),
            r"OnSuccess.Destination: arn:aws:s3:::failures is no AWS::SQS::Queue or AWS::SNS::Topic",
        ),
        (worker(DeadLetterConfig={"TargetArn": "arn:x"}), "DeadLetterConfig.TargetArn: arn:x is no AWS::SQS::Queue"),
    ],
)
def test_fails_when_lambda_would_refuse(assembly: AssemblyWriter, resources: dict[str, Any], said: str) -> None:
    """What is out of range, twice there, or leads nowhere."""
    with pytest.raises(TemplateError, match=said):
        assembly.read({**worker(), **resources})
