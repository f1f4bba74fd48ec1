"""Before a deployment the account's concurrency is compared with what the stage counts on."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from deployment.concurrency_quota import main, shortage
from stacks.settings import DEV, PROD


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """An account whose Lambda functions may run so many executions at once."""

    quota: int

    def get_account_settings(self) -> dict[str, Any]:
        return {
            "AccountLimit": {"ConcurrentExecutions": self.quota, "UnreservedConcurrentExecutions": self.quota},
            "AccountUsage": {"FunctionCount": 0},
        }


def test_enough_is_enough() -> None:
    """An account with exactly the concurrency that is counted on will do."""
    assert shortage(PROD, Account(quota=1_000)) is None
    assert shortage(DEV, Account(quota=10)) is None


def test_shortage_names_both_numbers_and_the_remedy() -> None:
    """A new account is told what it has, what prod counts on and sets aside, and what to do."""
    assert shortage(PROD, Account(quota=10)) == (
        "this account may run 10 executions at once in this region, but stage prod counts on "
        "account_concurrency=1000, of which it sets 280 aside beside the 100 that Lambda keeps: ask for a higher "
        "quota (Service Quotas, Lambda, Concurrent executions), or lower account_concurrency and what depends on it "
        "in stacks/settings.py"
    )


def test_shortage_without_reservations_is_shorter() -> None:
    """Where nothing is set aside, nothing is said of it."""
    problem = shortage(DEV, Account(quota=9))

    assert problem is not None
    assert "counts on account_concurrency=10: ask for" in problem


@pytest.mark.parametrize(("quota", "code", "says"), [(1_000, 0, ""), (999, 1, "this account may run 999 executions")])
def test_deployment_stops_when_the_account_is_too_small(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], quota: int, code: int, says: str
) -> None:
    """The command fails, so that `make deploy` goes no further, and says why on stderr."""
    monkeypatch.setattr("boto3.client", lambda service: {"lambda": Account(quota=quota)}[service])

    assert main(["prod"]) == code
    assert capsys.readouterr().err.startswith(says)


def test_makefile_checks_before_it_deploys_and_clears_before_it_destroys() -> None:
    """Neither is left to memory."""
    recipes = (Path(__file__).parents[2] / "Makefile").read_text(encoding="utf-8")

    assert "python -m deployment.concurrency_quota $(STAGE)\n\tcdk deploy" in recipes
    assert "python -m deployment.discarded_batches $(STAGE)\n\tcdk destroy" in recipes
