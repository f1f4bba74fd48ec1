"""The AWS managed policies that functions are given most: name → statements.

They are about services that run here, and about the network interfaces of functions in a VPC.
Source: AWS managed policy reference, the page of each policy.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

_LOGS: Final = ("logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents")


def _allow(*actions: str) -> list[Mapping[str, Any]]:
    return [{"Effect": "Allow", "Action": list(actions), "Resource": "*"}]


MANAGED: Final[Mapping[str, list[Mapping[str, Any]]]] = {
    "AWSLambdaBasicExecutionRole": _allow(*_LOGS),
    "AWSLambdaDynamoDBExecutionRole": _allow(
        "dynamodb:DescribeStream", "dynamodb:GetRecords", "dynamodb:GetShardIterator", "dynamodb:ListStreams", *_LOGS
    ),
    "AWSLambdaSQSQueueExecutionRole": _allow(
        "sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes", *_LOGS
    ),
    "AWSLambdaVPCAccessExecutionRole": _allow(
        "ec2:CreateNetworkInterface",
        "ec2:DescribeNetworkInterfaces",
        "ec2:DescribeSubnets",
        "ec2:DeleteNetworkInterface",
        "ec2:AssignPrivateIpAddresses",
        "ec2:UnassignPrivateIpAddresses",
        *_LOGS,
    ),
    "AWSLambdaRole": _allow("lambda:InvokeFunction"),
    "AWSXRayDaemonWriteAccess": _allow(
        "xray:PutTraceSegments",
        "xray:PutTelemetryRecords",
        "xray:GetSamplingRules",
        "xray:GetSamplingTargets",
        "xray:GetSamplingStatisticSummaries",
    ),
    "AdministratorAccess": _allow("*"),
    "AmazonDynamoDBFullAccess": _allow("dynamodb:*"),
    "AmazonS3FullAccess": _allow("s3:*"),
    "AmazonS3ReadOnlyAccess": _allow("s3:Get*", "s3:List*", "s3:Describe*"),
    "AmazonSNSFullAccess": _allow("sns:*"),
    "AmazonSQSFullAccess": _allow("sqs:*"),
}
