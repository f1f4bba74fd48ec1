"""Statements against requests: patterns, conditions, and how policies are weighed."""

from typing import Any

import pytest

from penstock.cloud.policies.access import Access, Principal
from penstock.cloud.policies.evaluation import admits, decide, pairs_used
from penstock.cloud.policies.statement import Statement, statements_of
from penstock.errors import TemplateError

ACCOUNT = "123456789012"
TABLE = f"arn:aws:dynamodb:us-east-1:{ACCOUNT}:table/Orders"
QUEUE = f"arn:aws:sqs:us-east-1:{ACCOUNT}:q"
_MAX_KEYS: dict[str, Any] = {"s3_max-keys": "10"}
ROLE = Principal(
    kind="role",
    label="relay",
    arn=f"arn:aws:iam::{ACCOUNT}:role/relay",
    user=f"arn:aws:sts::{ACCOUNT}:assumed-role/relay/relay-function",
)
EVENTS = Principal(kind="service", label="events", arn="events.amazonaws.com", user="events.amazonaws.com")


def statements(*given: dict[str, Any]) -> tuple[Statement, ...]:
    """Statements of one policy; Allow everything unless they say otherwise."""
    whole = [{"Effect": "Allow"} | ({} if "NotResource" in each else {"Resource": "*"}) | each for each in given]
    return statements_of({"Statement": whole}, name="policy", logical_id="Role")


def access(
    action: str = "dynamodb:PutItem", resource: str = TABLE, principal: Principal = ROLE, **context: Any
) -> Access:
    """An access; context keys have ``_`` for ``:`` (``aws_SourceArn``)."""
    values = {key.replace("_", ":", 1).lower(): (value,) for key, value in context.items()}
    return Access(principal=principal, action=action, resource=resource, context=tuple(sorted(values.items())))


def allowed(statement: dict[str, Any], asked: Access) -> bool:
    """Whether a role with this one statement may do it."""
    return decide(asked, identity=statements(statement), resource=()).allowed


@pytest.mark.parametrize(
    ("statement", "answer"),
    [
        ({"Action": "dynamodb:PutItem"}, True),
        ({"Action": "DynamoDB:putitem"}, True),
        ({"Action": "dynamodb:Put*"}, True),
        ({"Action": "dynamodb:???Item"}, True),
        ({"Action": "dynamodb:??Item"}, False),
        ({"Action": ["dynamodb:GetItem", "dynamodb:UpdateItem"]}, False),
        ({"NotAction": "dynamodb:GetItem"}, True),
        ({"NotAction": "dynamodb:*"}, False),
        ({"Action": "*", "Resource": TABLE}, True),
        ({"Action": "*", "Resource": TABLE.lower()}, False),
        ({"Action": "*", "Resource": f"arn:aws:dynamodb:*:{ACCOUNT}:table/*"}, True),
        ({"Action": "*", "Resource": f"{TABLE}/*"}, False),
        ({"Action": "*", "Resource": f"arn:aws:dynamodb:us-*:{ACCOUNT}:table/Order?"}, True),
        ({"Action": "*", "Resource": "arn:aws:*/Orders"}, True),
        ({"Action": "*", "Resource": f"arn:*:{ACCOUNT}:*:table/Orders"}, False),
        ({"Action": "*", "NotResource": TABLE}, False),
        ({"Action": "*", "NotResource": f"{TABLE}2"}, True),
    ],
)
def test_action_and_resource_are_matched(statement: dict[str, Any], answer: bool) -> None:
    """Actions ignore case, resources do not; a wildcard of a resource stays within its segment but for the last."""
    assert allowed(statement, access()) is answer


@pytest.mark.parametrize(
    ("operator", "value", "given", "answer"),
    [
        ("StringEquals", "eu", "eu", True),
        ("StringEquals", ["us", "eu"], "eu", True),
        ("StringEquals", "EU", "eu", False),
        ("StringEquals", "e*", "eu", False),
        ("StringEqualsIgnoreCase", "EU", "eu", True),
        ("StringLike", "e*", "eu", True),
        ("StringNotLike", "e*", "eu", False),
        ("StringNotEquals", ["us", "eu"], "eu", False),
        ("StringNotEquals", "us", None, True),
        ("StringEquals", "eu", None, False),
        ("StringEqualsIfExists", "eu", None, True),
        ("StringEqualsIfExists", "us", "eu", False),
        ("Null", "true", None, True),
        ("Null", "true", "eu", False),
        ("Null", False, "eu", True),
        ("ForAllValues:StringEquals", "eu", None, True),
        ("ForAnyValue:StringEquals", "eu", None, False),
        ("ForAnyValue:StringLike", ["x", "e?"], "eu", True),
    ],
)
def test_condition_on_text(operator: str, value: Any, given: str | None, answer: bool) -> None:
    """One value is enough, a negated operator wants none, and an absent key decides by the operator."""
    statement = {"Action": "*", "Condition": {operator: {"aws:RequestedRegion": value}}}
    context: dict[str, Any] = {} if given is None else {"aws_RequestedRegion": given}

    assert allowed(statement, access(**context)) is answer


@pytest.mark.parametrize(
    ("operator", "value", "answer"),
    [
        ("DateLessThan", "2027-01-01T00:00:00Z", True),
        ("DateGreaterThan", "2027-01-01T00:00:00Z", False),
        ("DateGreaterThanEquals", "2026-06-01T12:00:00+00:00", True),
        ("DateNotEquals", "1780315200", False),
    ],
)
def test_condition_on_dates(operator: str, value: str, answer: bool) -> None:
    """Instants are compared as instants, whichever way they are written."""
    statement = {"Action": "*", "Condition": {operator: {"aws:CurrentTime": value}}}

    assert allowed(statement, access(aws_CurrentTime="2026-06-01T12:00:00Z")) is answer


@pytest.mark.parametrize(
    ("operator", "value", "answer"),
    [
        ("NumericEquals", "10.0", True),
        ("NumericLessThan", 9, False),
        ("NumericLessThanEquals", 10, True),
        ("NumericGreaterThan", 9, True),
        ("NumericNotEquals", 10, False),
    ],
)
def test_condition_on_numbers(operator: str, value: Any, answer: bool) -> None:
    """Numbers are compared as numbers."""
    statement = {"Action": "*", "Condition": {operator: {"s3:max-keys": value}}}

    assert allowed(statement, access("s3:ListBucket", **_MAX_KEYS)) is answer


def test_multivalued_key_is_judged_by_its_set_operator() -> None:
    """ForAllValues wants every value among the policy's, ForAnyValue wants one."""
    asked = Access(
        principal=ROLE,
        action="dynamodb:BatchGetItem",
        resource=TABLE,
        context=(("dynamodb:leadingkeys", ("a", "b")),),
    )

    def may(operator: str) -> bool:
        return allowed({"Action": "*", "Condition": {operator: {"dynamodb:LeadingKeys": "a"}}}, asked)

    assert (may("ForAllValues:StringEquals"), may("ForAnyValue:StringEquals")) == (False, True)


def test_policy_variable_is_filled_and_matched_literally() -> None:
    """A variable's value is no pattern, a default steps in, and a variable without value matches nothing."""
    table = "arn:aws:dynamodb:us-east-1:${aws:PrincipalAccount}:table/${aws:SourceAccount, 'Orders'}"

    assert allowed({"Action": "*", "Resource": table}, access(aws_PrincipalAccount=ACCOUNT))
    assert not allowed({"Action": "*", "Resource": table}, access(aws_PrincipalAccount="*"))
    assert not allowed({"Action": "*", "Resource": table}, access())
    assert not allowed({"Action": "*", "Resource": f"{TABLE[:-1]}${{*}}"}, access())


def test_explicit_deny_wins_in_either_policy() -> None:
    """However much is allowed, one deny decides, and the answer says in which kind of policy it stands."""
    allow, deny = {"Action": "*"}, {"Effect": "Deny", "Action": "sqs:*"}
    everyone = {"Principal": "*"}
    asked = access("sqs:SendMessage", QUEUE)

    in_identity = decide(asked, identity=statements(allow, deny), resource=())
    in_resource = decide(asked, identity=statements(allow), resource=statements(deny | everyone))

    assert in_identity.because == "with an explicit deny in an identity-based policy"
    assert in_resource.because == "with an explicit deny in a resource-based policy"


@pytest.mark.parametrize(
    ("principal", "caller", "answer"),
    [
        ({"AWS": ROLE.arn}, ROLE, True),
        ({"AWS": ROLE.user}, ROLE, True),
        ("*", ROLE, True),
        ({"AWS": f"arn:aws:iam::{ACCOUNT}:root"}, ROLE, False),
        ({"Service": "events.amazonaws.com"}, ROLE, False),
        ({"Service": "events.amazonaws.com"}, EVENTS, True),
        ({"Service": ["sns.amazonaws.com", "s3.amazonaws.com"]}, EVENTS, False),
        ("*", EVENTS, True),
    ],
)
def test_resource_policy_names_its_principals(principal: Any, caller: Principal, answer: bool) -> None:
    """A resource's policy allows whom it names; naming the own account only leaves it to the roles' policies."""
    policy = statements({"Principal": principal, "Action": "sqs:SendMessage"})

    assert decide(access("sqs:SendMessage", QUEUE, caller), identity=(), resource=policy).allowed is answer


def test_deny_of_the_account_is_for_everybody_in_it() -> None:
    """In a deny the account stands for all its principals; NotPrincipal spares the ones that it names."""
    allow = statements({"Action": "*"})
    root = {"Effect": "Deny", "Principal": {"AWS": ACCOUNT}, "Action": "*"}
    spared = {"Effect": "Deny", "NotPrincipal": {"AWS": ROLE.arn}, "Action": "*"}

    assert not decide(access(), identity=allow, resource=statements(root)).allowed
    assert decide(access(), identity=allow, resource=statements(spared)).allowed


def test_service_needs_the_resources_policy() -> None:
    """Nothing is allowed to a service by nobody's policy, and its source is a condition like any other."""
    source = {"ArnEquals": {"aws:SourceArn": "arn:aws:events:*:*:rule/bus/*"}}
    policy = statements(
        {"Principal": {"Service": EVENTS.arn}, "Action": "sqs:SendMessage", "Resource": QUEUE, "Condition": source}
    )
    rule = f"arn:aws:events:us-east-1:{ACCOUNT}:rule/bus/rule"

    assert decide(access("sqs:SendMessage", QUEUE, EVENTS, aws_SourceArn=rule), identity=(), resource=policy).allowed
    assert not decide(access("sqs:SendMessage", QUEUE, EVENTS), identity=(), resource=policy).allowed
    nobody = decide(access("sqs:SendMessage", QUEUE, EVENTS), identity=(), resource=())
    assert nobody.because == "because no resource-based policy allows the sqs:SendMessage action"


def test_trust_policy_admits_its_services() -> None:
    """A role may be assumed by whom its trust policy names, unless it denies them."""
    trust = {"Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}
    never = {"Effect": "Deny", "Principal": "*", "Action": "sts:*"}

    assert admits(statements(trust), "lambda.amazonaws.com", {})
    assert not admits(statements(trust), "states.amazonaws.com", {})
    assert not admits(statements(trust, never), "lambda.amazonaws.com", {})


def test_statement_is_taken_apart_into_pairs() -> None:
    """An access uses the pairs that speak of it; without one of them the others are left."""
    (statement,) = statements({"Action": ["dynamodb:PutItem", "dynamodb:*"], "Resource": [TABLE, f"{TABLE}/index/*"]})
    used = ("dynamodb:PutItem", TABLE), ("dynamodb:*", TABLE)

    assert tuple(pairs_used(statement, access())) == used
    left = statement.without(used[0])
    assert [pair for each in left for pair in each.pairs()] == [pair for pair in statement.pairs() if pair != used[0]]


@pytest.mark.parametrize(
    ("statement", "words"),
    [
        ({"Action": "*", "Condition": {"IpAddress": {"aws:SourceIp": "10.0.0.0/8"}}}, "operator IpAddress is not"),
        ({"Action": "*", "Condition": {"StringEquals": {"aws:PrincipalOrgID": "o"}}}, "key aws:principalorgid has no"),
        ({"Action": "*", "Resource": "arn:aws:s3:::${aws:username}"}, "key aws:username has no value here"),
        ({"Action": "*", "Condition": {"NullIfExists": {"aws:SourceArn": "true"}}}, "operator NullIfExists is not"),
        ({"Action": "*", "Efect": "Deny"}, "Efect is no element"),
        ({"Action": "*", "NotAction": "s3:*"}, "Action and NotAction"),
        ({"Action": "*", "Effect": "allow"}, "the effect 'allow'"),
    ],
)
def test_fails_when_a_statement_cannot_be_evaluated(statement: dict[str, Any], words: str) -> None:
    """What is not known is refused by name, with its statement, and is never silently true or false."""
    with pytest.raises(TemplateError, match=rf"Role: .*{words}.* in statement 'policy 1'"):
        statements(statement)
