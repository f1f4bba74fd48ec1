"""Functions and state machines invoke functions through the front door, with the rights of their roles."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from penstock.application import Application
from tests.template.assembly_writer import AssemblyWriter

CODE = """
import os, boto3
from botocore.exceptions import ClientError

def double(event, context):
    return {"doubled": event["n"] * 2, "request": context.aws_request_id}

def refuse(event, context):
    raise ValueError("no such number")

def ask(event, context):
    try:
        answer = boto3.client("lambda").invoke(FunctionName=event["function"], Payload=b'{"n": 4}')
    except ClientError as error:
        return error.response["Error"]
    payload = answer["Payload"].read().decode()
    return {"status": answer["StatusCode"], "error": answer.get("FunctionError"), "payload": payload}
"""
DEFINITION = {
    "StartAt": "Invoke",
    "States": {
        "Invoke": {
            "Type": "Task",
            "Resource": "arn:aws:states:::lambda:invoke",
            "Parameters": {"FunctionName": "${double}", "Payload": {"n.$": "$.n"}},
            "ResultSelector": {"n.$": "$.Payload.doubled"},
            "Next": "Directly",
        },
        "Directly": {"Type": "Task", "Resource": "${double}", "ResultPath": "$.last", "Next": "Refused"},
        "Refused": {
            "Type": "Task",
            "Resource": "arn:aws:states:::lambda:invoke",
            "Parameters": {"FunctionName": "${refuse}", "Payload": {}},
            "Catch": [{"ErrorEquals": ["ValueError"], "ResultPath": "$.error", "Next": "Done"}],
            "End": True,
        },
        "Done": {"Type": "Succeed"},
    },
}


def arn(logical_id: str) -> dict[str, Any]:
    """The ARN of a resource."""
    return {"Fn::GetAtt": [logical_id, "Arn"]}


def function(handler: str, role: str = "Role") -> dict[str, Any]:
    """A function of a few lines."""
    properties = {
        "Code": {"S3Bucket": "assets", "S3Key": "code.zip"},
        "Handler": f"index.{handler}",
        "Role": arn(role),
        "Runtime": "python3.13",
        "Timeout": 30,
    }
    return {"Type": "AWS::Lambda::Function", "Properties": properties}


def role(*resources: Any) -> dict[str, Any]:
    """A role that may invoke these."""
    services = ["lambda.amazonaws.com", "states.amazonaws.com"]
    trust = {"Effect": "Allow", "Principal": {"Service": services}, "Action": "sts:AssumeRole"}
    allowed = {"Effect": "Allow", "Action": "lambda:InvokeFunction", "Resource": list(resources)}
    policy = {"PolicyName": "invoke", "PolicyDocument": {"Statement": [allowed]}}
    properties = {"AssumeRolePolicyDocument": {"Statement": [trust]}, "Policies": [policy]}
    return {"Type": "AWS::IAM::Role", "Properties": properties}


@pytest.fixture(scope="module")
def application(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Application]:
    """Functions that answer, refuse and ask one another, and a state machine that asks them."""
    assembly = AssemblyWriter(Path(tmp_path_factory.mktemp("assembly")) / "cdk.out")
    (assembly.asset("code") / "index.py").write_text(CODE)
    substitutions = {"double": arn("Double"), "refuse": arn("Refuse")}
    machine = {
        "DefinitionString": json.dumps(DEFINITION),
        "DefinitionSubstitutions": substitutions,
        "RoleArn": arn("MachineRole"),
    }
    assembly.stack(
        {
            "Role": role(arn("Double")),
            "MachineRole": role("*"),
            "Double": function("double", "MachineRole"),
            "Refuse": function("refuse", "MachineRole"),
            "Ask": function("ask"),
            "Machine": {"Type": "AWS::StepFunctions::StateMachine", "Properties": machine},
        }
    )
    with Application.start(assembly.path, clock="jumping", seed=1) as running:
        yield running


def ask(application: Application, logical_id: str) -> Any:
    """What a function is told that invokes another one."""
    named = {function.logical_id: function.name for function in application.template.functions}
    payload = json.dumps({"function": named[logical_id]})
    answer = application.client("lambda").invoke(FunctionName=named["Ask"], Payload=payload)
    return json.loads(answer["Payload"].read())


def test_function_invokes_another_one(application: Application) -> None:
    """With boto3, while it runs itself."""
    told = ask(application, "Double")

    assert (told["status"], told["error"], json.loads(told["payload"])["doubled"]) == (200, None, 8)


def test_function_may_invoke_only_what_its_role_allows(application: Application) -> None:
    """Lambda's own refusal, by code and message."""
    told = ask(application, "Refuse")

    assert told["Code"] == "AccessDeniedException"
    assert "is not authorized to perform: lambda:InvokeFunction on resource: arn:aws:lambda:" in told["Message"]


def test_client_sees_the_request_id_that_the_function_sees(application: Application) -> None:
    """And an error of the function as what it is."""
    named = {function.logical_id: function.name for function in application.template.functions}
    client = application.client("lambda")

    answer = client.invoke(FunctionName=named["Double"], Payload=b'{"n": 1}')
    refused = client.invoke(FunctionName=named["Refuse"])

    assert json.loads(answer["Payload"].read())["request"] == answer["ResponseMetadata"]["RequestId"]
    assert (answer["StatusCode"], answer["ExecutedVersion"]) == (200, "$LATEST")
    assert (refused["FunctionError"], json.loads(refused["Payload"].read())["errorType"]) == ("Unhandled", "ValueError")
    with pytest.raises(client.exceptions.ResourceNotFoundException, match="Function not found: arn:aws:lambda:"):
        client.invoke(FunctionName="nobody")


def test_state_machine_invokes_functions(application: Application) -> None:
    """By the service integration and directly; the error of a function is caught by its type."""
    client = application.client("stepfunctions")
    (machine,) = application.template.state_machines
    execution = client.start_execution(stateMachineArn=machine.arn, input='{"n": 3}')["executionArn"]

    application.settle()

    described = client.describe_execution(executionArn=execution)
    output = json.loads(described["output"])
    assert (described["status"], output["n"], output["last"]["doubled"]) == ("SUCCEEDED", 6, 12)
    assert output["error"]["Error"] == "ValueError"
    assert application.calls["Machine", "lambda", "Invoke"] == 3
