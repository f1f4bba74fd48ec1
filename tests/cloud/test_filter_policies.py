"""What a filter policy lets pass, and what is none."""

import json
from typing import Any

import pytest

from penstock.cloud.engine import Engine, EngineError
from penstock.cloud.filter_policies import FilterPolicy

IN_ARRAY = {"Type": "String.Array", "Value": '["y", 5, true, null]'}


def attribute(value: str, kind: str = "String") -> dict[str, dict[str, str]]:
    """A message's attributes: one, of the name ``a``."""
    return {"a": {"Type": kind, "Value": value}}


@pytest.mark.parametrize(
    ("rule", "attributes", "passes"),
    [
        ("x", attribute("x"), True),
        ("x", {"b": {"Type": "String", "Value": "x"}}, False),
        ("x", attribute("x", "String.mine"), True),
        (5, attribute("5.0", "Number"), True),
        (5, attribute("5"), False),
        ("5", attribute("5", "Number"), False),
        ("y", {"a": IN_ARRAY}, True),
        (5, {"a": IN_ARRAY}, True),
        (True, {"a": IN_ARRAY}, True),
        (None, {"a": IN_ARRAY}, True),
        ("x", {"a": IN_ARRAY}, False),
        ("x", attribute('["x"', "String.Array"), False),
        ("eA==", attribute("eA==", "Binary"), False),
        ({"numeric": [">", 0, "<=", 5]}, attribute("5", "Number"), True),
        ({"numeric": ["=", 5]}, {"a": IN_ARRAY}, True),
        ({"anything-but": ["x", "y"]}, attribute("z"), True),
        ({"anything-but": ["x"]}, {}, False),
        ({"anything-but": {"prefix": "x"}}, attribute("xy"), False),
        ({"prefix": "x"}, attribute("xy"), True),
        ({"suffix": "y"}, attribute("xy"), True),
        ({"equals-ignore-case": "XY"}, attribute("xy"), True),
        ({"wildcard": "x*z"}, attribute("xyz"), True),
        ({"cidr": "10.0.0.0/8"}, attribute("10.1.1.1"), True),
        ({"exists": False}, {}, True),
        ({"exists": True}, attribute("x"), True),
    ],
)
def test_policy_of_attributes(rule: Any, attributes: dict[str, dict[str, str]], passes: bool) -> None:
    """Texts, numbers and members of arrays are compared, each with its like; no other type is."""
    assert FilterPolicy({"a": [rule]}, None).matches(attributes, "{}") is passes


@pytest.mark.parametrize(
    ("policy", "body", "passes"),
    [
        ({"a": {"b": ["x"]}}, {"a": {"b": "x"}}, True),
        ({"a": {"b": ["x"]}}, {"a": [{"b": "y"}, {"b": "x"}]}, True),
        ({"a": {"b": [{"exists": False}]}}, {}, True),
        ({"a": {"b": [{"exists": False}]}}, {"a": {"b": None}}, False),
        ({"a": [None]}, {"a": None}, True),
        ({"$or": [{"a": ["x"]}, {"b": ["y"]}]}, {"b": "y"}, True),
        ({"a": [{"anything-but": "x"}]}, ["a"], False),
        ({}, "text", True),
    ],
)
def test_policy_of_the_body(policy: dict[str, Any], body: Any, passes: bool) -> None:
    """Members at any depth are compared; a body that is no object passes no policy but the empty one."""
    assert FilterPolicy(policy, "MessageBody").matches({}, json.dumps(body)) is passes


def test_body_that_is_no_json_does_not_pass() -> None:
    """Whatever the policy asks for."""
    assert not FilterPolicy({"a": [{"exists": False}]}, "MessageBody").matches({}, "plain")


@pytest.mark.parametrize(
    ("policy", "message"),
    [
        ({"a": "x"}, "FilterPolicy"),
        ({"a": [{"sounds-like": "x"}]}, "FilterPolicy"),
        ({"a": {"b": ["x"]}}, "does not support nested filter policy"),
        ({name: [{"wildcard": "x*"}] for name in "abcdef"}, "can not have more than 5 keys"),
        ({"a": ["x"] * 151}, "Filter policy is too complex"),
    ],
)
def test_fails_when_it_is_no_policy(policy: dict[str, Any], message: str) -> None:
    """SNS refuses it when it is set."""
    engine = Engine(account_id="123456789012", region="us-east-1")
    topic_arn = engine.call("sns", "CreateTopic", {"Name": "news"})["TopicArn"]
    endpoint = "arn:aws:lambda:us-east-1:123456789012:function:f"
    params = {"TopicArn": topic_arn, "Protocol": "lambda", "Endpoint": endpoint}

    with pytest.raises(EngineError, match=f"InvalidParameter.*{message}"):
        engine.call("sns", "Subscribe", {**params, "Attributes": {"FilterPolicy": json.dumps(policy)}})

    known = {"FilterPolicy": json.dumps({"a": [{"cidr": "10.0.0.0/8"}, {"wildcard": "x*"}]})}
    assert "SubscriptionArn" in engine.call("sns", "Subscribe", {**params, "Attributes": known})
