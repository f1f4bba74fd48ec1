"""Encryption at rest: with AWS's keys, and with a key of the stage's own."""

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from stacks.settings import DEV, PROD
from tests.stacks.synthesized import Properties, Synthesize, Synthesized

# What an encrypted resource of a type names its key by.
KEYS: dict[str, Callable[[Properties], Any]] = {
    "AWS::DynamoDB::Table": lambda table: table["SSESpecification"]["KMSMasterKeyId"],
    "AWS::SQS::Queue": lambda queue: queue["KmsMasterKeyId"],
    "AWS::SNS::Topic": lambda topic: topic["KmsMasterKeyId"],
    "AWS::Events::EventBus": lambda bus: bus["KmsKeyIdentifier"],
    "AWS::Logs::LogGroup": lambda group: group["KmsKeyId"],
    "AWS::S3::Bucket": lambda bucket: bucket["BucketEncryption"]["ServerSideEncryptionConfiguration"][0][
        "ServerSideEncryptionByDefault"
    ]["KMSMasterKeyID"],
}


@pytest.fixture
def encrypted(synthesize: Synthesize) -> Synthesized:
    """The stage ``prod`` with a key of its own."""
    return synthesize(
        replace(
            PROD, customer_managed_key=True, monitoring=replace(PROD.monitoring, alarm_address="operator@example.com")
        )
    )


def admitted(key: Properties) -> dict[str, list[dict[str, Any]]]:
    """Service → the statements of the key's policy that admit it."""
    found: dict[str, list[dict[str, Any]]] = {}
    for statement in key["KeyPolicy"]["Statement"]:
        services = statement["Principal"].get("Service", [])
        for service in services if isinstance(services, list) else [services]:
            found.setdefault(json.dumps(service), []).append(statement)
    return found


def test_no_stage_has_a_key_unasked(stage: Synthesized) -> None:
    """Without the setting there is no key, and no role may use one."""
    assert stage.resources("AWS::KMS::Key") == {}
    assert "kms:" not in json.dumps(stage.resources("AWS::IAM::Policy"))


def test_topic_of_notifications_is_encrypted_anyway(stage: Synthesized) -> None:
    """Of all that holds data only a topic is not encrypted unless asked: it takes AWS's key for topics."""
    assert "alias/aws/sns" in json.dumps(stage.only("AWS::SNS::Topic", "Notify")["KmsMasterKeyId"])


@pytest.mark.parametrize("resource_type", KEYS)
def test_all_that_holds_data_takes_the_key(encrypted: Synthesized, resource_type: str) -> None:
    """With the setting every resource of each such type names the key of the data stack."""
    resources = encrypted.resources(resource_type)
    (key,) = encrypted.resources("AWS::KMS::Key")

    assert resources
    for name, properties in resources.items():
        assert key in json.dumps(KEYS[resource_type](properties)), name


def test_key_turns_and_stays(encrypted: Synthesized) -> None:
    """The key is renewed once a year, and outlives the stack in a stage that retains."""
    ((name, key),) = encrypted.resources("AWS::KMS::Key").items()

    assert key["EnableKeyRotation"] is True
    assert encrypted.data["Resources"][name]["DeletionPolicy"] == "Retain"


def test_key_admits_each_service_that_delivers(encrypted: Synthesized) -> None:
    """EventBridge, S3 and CloudWatch may use it for this account, the logs of this account for themselves."""
    services = admitted(encrypted.only("AWS::KMS::Key"))
    logs = next(service for service in services if "logs." in service)

    assert set(services) == {
        '"cloudwatch.amazonaws.com"',
        '"events.amazonaws.com"',
        '"s3.amazonaws.com"',
        logs,
    }
    for service, statements in services.items():
        used = {action for statement in statements for action in statement["Action"]}
        assert {"kms:Decrypt", "kms:GenerateDataKey"} <= used, service
        for statement in statements:
            assert statement["Condition"], service
            assert not [action for action in statement["Action"] if "*" in action]


def test_roles_use_the_key_through_the_services_that_hold_data(encrypted: Synthesized) -> None:
    """Each function and the state machine may use it, never directly; the rule's role has no need to."""
    grants = {
        name: statement
        for name, policy in encrypted.resources("AWS::IAM::Policy").items()
        for statement in policy["PolicyDocument"]["Statement"]
        if "kms:Decrypt" in statement["Action"]
    }

    assert len(grants) == 7
    assert not [name for name in grants if "EventsRole" in name]
    for statement in grants.values():
        assert [service["Fn::Join"][1][0] for service in statement["Condition"]["StringEquals"]["kms:ViaService"]] == [
            "dynamodb.",
            "s3.",
            "sns.",
            "sqs.",
        ]


def test_key_changes_no_mapping(synthesize: Synthesize) -> None:
    """Turning the key on replaces neither a mapping nor its checkpoint."""
    before, after = synthesize(DEV), synthesize(replace(DEV, customer_managed_key=True))

    assert after.resources("AWS::Lambda::EventSourceMapping") == before.resources("AWS::Lambda::EventSourceMapping")
