"""Calls in AWS's wire form: requests as SDKs send them, answers as SDKs read them."""

import json

import pytest
from botocore.exceptions import ParamValidationError

from penstock.cloud.wire_form import Reply, answer_in, request_of


def test_json_call_names_its_operation_in_a_header() -> None:
    """A JSON service gets its parameters as the body."""
    request = request_of("sqs", "SendMessage", {"QueueUrl": "q", "MessageBody": "é"})

    assert (request.method, request.path, request.query) == ("POST", "/", "")
    assert request.headers["x-amz-target"] == "AmazonSQS.SendMessage"
    assert json.loads(request.body) == {"QueueUrl": "q", "MessageBody": "é"}


def test_query_call_is_a_form() -> None:
    """A query service gets a form with its Action."""
    request = request_of("sns", "Publish", {"TopicArn": "arn:t", "Message": "a&b"})

    assert request.headers["content-type"].startswith("application/x-www-form-urlencoded")
    assert {b"Action=Publish", b"TopicArn=arn%3At", b"Message=a%26b"} <= set(request.body.split(b"&"))


@pytest.mark.parametrize(
    ("operation", "params", "method", "path", "query"),
    [
        ("PutObject", {"Key": "a/b c", "Body": b"x"}, "PUT", "/bucket/a/b%20c", ""),
        ("PutBucketVersioning", {"VersioningConfiguration": {"Status": "Enabled"}}, "PUT", "/bucket", "versioning"),
        ("ListObjectsV2", {"Prefix": "a b"}, "GET", "/bucket", "list-type=2&prefix=a+b"),
    ],
)
def test_rest_call_has_its_path_and_query(
    operation: str, params: dict[str, object], method: str, path: str, query: str
) -> None:
    """A REST service gets parameters where its model puts them."""
    request = request_of("s3", operation, {"Bucket": "bucket", **params})

    assert (request.method, request.path, request.query) == (method, path, query)


def test_fails_when_a_parameter_is_unknown_or_wrong() -> None:
    """Parameters are judged before anything is made of them."""
    with pytest.raises(ParamValidationError, match="Unknown parameter"):
        request_of("sqs", "SendMessage", {"QueueUrl": "q", "MessageBody": "x", "Colour": "red"})


def test_answer_is_parsed_by_the_model() -> None:
    """What comes back has the types of the model, and a refusal its code and message."""
    sent = Reply(status=200, body=b'{"TableNames":["a"]}')
    refused = Reply(status=400, headers={"x": "y"}, body=b'{"__type":"com.amazonaws#NoSuch","message":"no"}')

    assert answer_in(sent, service="dynamodb", operation="ListTables") == {"TableNames": ["a"]}
    refusal = answer_in(refused, service="dynamodb", operation="ListTables")["Error"]
    assert refusal == {"Code": "NoSuch", "Message": "no"}
