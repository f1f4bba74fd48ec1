"""Before a stage is destroyed: empty its failure bucket, which CloudFormation does not delete otherwise.

`python -m deployment.discarded_batches STAGE` does so for a stage whose settings say that nothing is kept, and for no
other: elsewhere the bucket holds the only copy of what failed, and stays.
"""

from __future__ import annotations

import sys
from typing import Any

import boto3
from botocore.exceptions import ClientError

from stacks.settings import settings_of
from stacks.stage_settings import StageSettings

OUTPUT = "FailureBucketName"


def failure_bucket(settings: StageSettings, stacks: Any) -> str | None:
    """The bucket's name, by the Output of the stage's pipeline; None when that is not deployed. 1 call."""
    try:
        answer = stacks.describe_stacks(StackName=f"Penstock-{settings.stage}-Pipeline")
    except ClientError as error:
        # "DescribeStacks", API reference: a stack that does not exist is a ValidationError.
        if error.response["Error"]["Code"] == "ValidationError":
            return None
        raise
    outputs = {output["OutputKey"]: output["OutputValue"] for output in answer["Stacks"][0].get("Outputs", [])}
    return outputs.get(OUTPUT)


def clear(settings: StageSettings, *, stacks: Any, objects: Any) -> int:
    """Delete every object of the failure bucket, and say how many; 0 in a stage that retains, which is not touched."""
    bucket = failure_bucket(settings, stacks) if settings.removal_policy == "destroy" else None
    if bucket is None:
        return 0
    deleted = 0
    for page in objects.get_paginator("list_objects_v2").paginate(Bucket=bucket):
        keys = [{"Key": found["Key"]} for found in page.get("Contents", [])]
        if keys:
            answer = objects.delete_objects(Bucket=bucket, Delete={"Objects": keys, "Quiet": True})
            if answer.get("Errors"):
                raise RuntimeError(f"{bucket} still holds {answer['Errors'][0]['Key']}: {answer['Errors'][0]['Code']}")
            deleted += len(keys)
    return deleted


def main(arguments: list[str]) -> int:
    """Empty the bucket of the stage that is named."""
    deleted = clear(settings_of(arguments[0]), stacks=boto3.client("cloudformation"), objects=boto3.client("s3"))
    sys.stdout.write(f"deleted {deleted} discarded batches\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
