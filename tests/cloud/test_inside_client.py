"""Calls made inside this process: who calls, what arrives, how a refusal looks."""

import pytest
from botocore.exceptions import ClientError

from penstock.cloud.callers import Callers
from penstock.cloud.front_door import Call
from penstock.cloud.inside_client import InsideClient
from penstock.cloud.wire_form import Reply

CALLER = Callers(account_id="123456789012", seed="0").register("Machine", "arn:aws:iam::123456789012:role/machine")


def client_of(service: str, reply: Reply) -> tuple[InsideClient, list[Call]]:
    """A client whose calls are all answered the same, and the calls."""
    calls: list[Call] = []

    def call(made: Call) -> Reply:
        calls.append(made)
        return reply

    return InsideClient(service, caller=CALLER, region="us-east-1", call=call), calls


def test_call_names_its_caller_and_the_service_as_it_is_signed_for() -> None:
    """What passes the front door looks like a call over HTTP by the same caller."""
    client, calls = client_of("stepfunctions", Reply(status=200, body=b'{"executionArn": "arn:e"}'))

    answer = client.start_execution(stateMachineArn="arn:m")

    assert answer["executionArn"] == "arn:e"
    assert [(call.caller, call.service, call.operation, call.region) for call in calls] == [
        (CALLER, "states", "StartExecution", "us-east-1")
    ]
    assert calls[0].parameters() == {"stateMachineArn": "arn:m"}


def test_answer_is_json() -> None:
    """Instants and bytes, which the state of an execution cannot hold, are texts at any depth."""
    body = b'{"executions": [{"executionArn": "arn:e", "startDate": 1767225600.25, "stopDate": 1767225600}]}'
    machines, _ = client_of("stepfunctions", Reply(status=200, body=body))
    tables, _ = client_of("dynamodb", Reply(status=200, body=b'{"Item": {"k": {"B": "AP8="}, "s": {"BS": ["AQ=="]}}}'))

    (execution,) = machines.list_executions(stateMachineArn="arn:m")["executions"]
    item = tables.get_item(TableName="t", Key={"k": {"B": b"\x00"}})["Item"]

    assert (execution["startDate"], execution["stopDate"]) == ("2026-01-01T00:00:00.250Z", "2026-01-01T00:00:00Z")
    assert item == {"k": {"B": "AP8="}, "s": {"BS": ["AQ=="]}}


def test_refusal_is_raised_as_by_botocore() -> None:
    """Code, message and status stand where moto's interpreter looks for them."""
    body = b'{"__type": "com.amazonaws.dynamodb.v20120810#ConditionalCheckFailedException", "message": "no"}'
    client, _ = client_of("dynamodb", Reply(status=400, body=body))

    with pytest.raises(ClientError) as raised:
        client.update_item(TableName="t", Key={"k": {"S": "1"}})

    assert raised.value.response["Error"] == {"Code": "ConditionalCheckFailedException", "Message": "no"}
    assert raised.value.response["ResponseMetadata"]["HTTPStatusCode"] == 400


def test_parameters_are_left_to_the_service_to_refuse() -> None:
    """A call without what the operation needs is made all the same."""
    client, calls = client_of("sqs", Reply(status=200, body=b"{}"))

    client.send_message(MessageBody="no queue")

    assert calls[0].parameters() == {"MessageBody": "no queue"}


def test_unknown_operation_is_no_method() -> None:
    """A client has the operations of its service and no others."""
    client, _ = client_of("sqs", Reply(status=200))

    with pytest.raises(AttributeError, match="sqs has no operation put_item"):
        client.put_item(TableName="t")


@pytest.mark.parametrize(
    ("service", "spoken_to"), [("dynamodb", True), ("sns", True), ("events", True), ("s3", False), ("lambda", False)]
)
def test_services_that_stream_are_spoken_to_over_http(service: str, spoken_to: bool) -> None:
    """Bodies that are read bit by bit are left to botocore's own clients."""
    assert InsideClient.speaks_to(service) is spoken_to
