"""The lines of `penstock run`."""

import json

import pytest

from penstock.cli.lines import Printer
from penstock.cloud.policies.guard import Denied

STATEMENT = {"Effect": "Allow", "Action": "dynamodb:PutItem", "Resource": "arn:of:table"}
DENIED = Denied(
    principal="Relay", message="User: x is not authorized", where="a policy of the role r", statement=STATEMENT
)


def test_denial_is_printed_even_when_quiet(capsys: pytest.CaptureFixture[str]) -> None:
    """What is missing must be seen: the message, the place and the statement, ready to be pasted."""
    Printer(quiet=True).tell(DENIED)

    first, second = capsys.readouterr().out.splitlines()
    assert first.endswith("Relay: DENIED User: x is not authorized")
    assert second == f"  missing in a policy of the role r: {json.dumps(STATEMENT)}"
