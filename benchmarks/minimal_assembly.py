"""The smallest application that has a mapping: one table with a stream, one function, one event source mapping.

Written as a cloud assembly of our own, so that nothing of the CDK is measured.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

CODE = Path(__file__).with_name("counting_function.py")
HANDLER = "counting_function.lambda_handler"
TABLE = "Measured"
TABLE_PROPERTIES: Mapping[str, Any] = {
    "TableName": TABLE,
    "BillingMode": "PAY_PER_REQUEST",
    "AttributeDefinitions": [{"AttributeName": "id", "AttributeType": "S"}],
    "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}],
    "StreamSpecification": {"StreamViewType": "NEW_AND_OLD_IMAGES"},
}
TIMEOUT_SECONDS = 300
TRUST = {
    "Version": "2012-10-17",
    "Statement": [
        {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"},
    ],
}


def resources(*, batch_size: int, environment: Mapping[str, str]) -> dict[str, Any]:
    """Give the resources of the template: logical id → resource."""
    return {
        "Table": {"Type": "AWS::DynamoDB::Table", "Properties": dict(TABLE_PROPERTIES)},
        "Role": {
            "Type": "AWS::IAM::Role",
            "Properties": {
                "AssumeRolePolicyDocument": TRUST,
                "ManagedPolicyArns": ["arn:aws:iam::aws:policy/service-role/AWSLambdaDynamoDBExecutionRole"],
            },
        },
        "Function": {
            "Type": "AWS::Lambda::Function",
            "Properties": {
                "Code": {"S3Bucket": "assets", "S3Key": "code.zip"},
                "Handler": HANDLER,
                "Runtime": "python3.13",
                "Role": {"Fn::GetAtt": ["Role", "Arn"]},
                "Timeout": TIMEOUT_SECONDS,
                "Environment": {"Variables": dict(environment)},
            },
        },
        "Mapping": {
            "Type": "AWS::Lambda::EventSourceMapping",
            "Properties": {
                "FunctionName": {"Ref": "Function"},
                "EventSourceArn": {"Fn::GetAtt": ["Table", "StreamArn"]},
                "StartingPosition": "TRIM_HORIZON",
                "BatchSize": batch_size,
            },
        },
    }


def write_assembly(folder: Path, *, batch_size: int, environment: Mapping[str, str]) -> Path:
    """Write the cloud assembly into a folder that is not there yet, and give that folder back."""
    asset = folder / "asset.code"
    asset.mkdir(parents=True)
    shutil.copy(CODE, asset)
    source = {"path": asset.name, "packaging": "zip"}
    destination = {"bucketName": "assets", "objectKey": "code.zip"}
    stack = {
        "type": "aws:cloudformation:stack",
        "environment": "aws://unknown-account/unknown-region",
        "properties": {"templateFile": "Measured.template.json"},
    }
    assets = {"type": "cdk:asset-manifest", "properties": {"file": "Measured.assets.json"}}
    files: dict[str, Any] = {
        "manifest.json": {"version": "55.0.0", "artifacts": {"Measured": stack, "Measured.assets": assets}},
        "Measured.template.json": {"Resources": resources(batch_size=batch_size, environment=environment)},
        "Measured.assets.json": {"files": {"code": {"source": source, "destinations": {"current": destination}}}},
    }
    for name, content in files.items():
        (folder / name).write_text(json.dumps(content))
    return folder
