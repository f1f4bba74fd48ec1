"""Before a stage is destroyed its failure bucket is emptied, if the stage is one to throw away."""

from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from moto import mock_aws

from deployment.discarded_batches import clear
from stacks.settings import DEV, PROD

BUCKET = "failures"


class Stacks:
    """A deployed pipeline with its Outputs, or none."""

    def __init__(self, outputs: dict[str, str] | None, code: str = "ValidationError") -> None:
        self.outputs, self.code = outputs, code
        self.asked: list[str] = []

    def describe_stacks(self, *, StackName: str) -> dict[str, Any]:
        self.asked.append(StackName)
        if self.outputs is None:
            raise ClientError({"Error": {"Code": self.code, "Message": "no"}}, "DescribeStacks")
        return {
            "Stacks": [{"Outputs": [{"OutputKey": key, "OutputValue": value} for key, value in self.outputs.items()]}]
        }


@pytest.fixture
def objects(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """S3 with a failure bucket that holds more batches than one call lists or deletes."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    with mock_aws():
        client = boto3.client("s3", region_name="us-east-1")
        client.create_bucket(Bucket=BUCKET)
        for number in range(1_001):
            client.put_object(Bucket=BUCKET, Key=f"aws/lambda/{number}", Body=b"{}")
        yield client


def test_bucket_of_a_stage_to_throw_away_is_emptied(objects: Any) -> None:
    """Every batch goes, however many there are."""
    stacks = Stacks({"FailureBucketName": BUCKET, "ApiUrl": "https://api.example"})

    assert clear(DEV, stacks=stacks, objects=objects) == 1_001
    assert stacks.asked == ["Penstock-dev-Pipeline"]
    assert "Contents" not in objects.list_objects_v2(Bucket=BUCKET)
    assert clear(DEV, stacks=stacks, objects=objects) == 0


def test_bucket_of_a_stage_that_retains_is_not_touched(objects: Any) -> None:
    """In prod nothing is even looked up."""
    stacks = Stacks({"FailureBucketName": BUCKET})

    assert clear(PROD, stacks=stacks, objects=objects) == 0
    assert stacks.asked == []
    assert objects.list_objects_v2(Bucket=BUCKET)["KeyCount"] == 1_000


def test_nothing_is_done_when_nothing_is_deployed() -> None:
    """Without a stack there is no bucket to empty."""
    assert clear(DEV, stacks=Stacks(None), objects=None) == 0


def test_fails_when_the_stack_cannot_be_read() -> None:
    """A refusal is not taken for an absence."""
    with pytest.raises(ClientError, match="AccessDenied"):
        clear(DEV, stacks=Stacks(None, code="AccessDenied"), objects=None)


def test_fails_when_a_batch_stays() -> None:
    """What cannot be deleted is named, since the stack could not be deleted either."""

    class Stubborn:
        def get_paginator(self, _: str) -> Any:
            return self

        def paginate(self, **_: Any) -> list[dict[str, Any]]:
            return [{"Contents": [{"Key": "aws/lambda/1"}]}]

        def delete_objects(self, **_: Any) -> dict[str, Any]:
            return {"Errors": [{"Key": "aws/lambda/1", "Code": "AccessDenied"}]}

    with pytest.raises(RuntimeError, match="failures still holds aws/lambda/1: AccessDenied"):
        clear(DEV, stacks=Stacks({"FailureBucketName": BUCKET}), objects=Stubborn())
