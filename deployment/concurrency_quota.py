"""Whether the account has the concurrency that a stage counts on: asked before it is deployed.

`python -m deployment.concurrency_quota STAGE` exits 1 when it has not. CloudFormation would find out only at the first
function that reserves too much, in the middle of a deployment, and of too small a pool of unreserved executions never.
"""

from __future__ import annotations

import sys
from typing import Any, Protocol

import boto3

from stacks.concurrency_settings import UNRESERVABLE_EXECUTIONS, executions_set_aside
from stacks.settings import settings_of
from stacks.stage_settings import StageSettings


class LambdaClient(Protocol):
    """What is asked of Lambda here."""

    def get_account_settings(self) -> dict[str, Any]:
        """Limits and usage of the account in this region ("GetAccountSettings", API reference)."""
        ...


def shortage(settings: StageSettings, client: LambdaClient) -> str | None:
    """What the account lacks for a stage, and the remedy; None when nothing does. 1 call."""
    quota: int = client.get_account_settings()["AccountLimit"]["ConcurrentExecutions"]
    if quota >= settings.account_concurrency:
        return None
    aside = sum(executions_set_aside(function) for function in settings.functions.values())
    needs = f", of which it sets {aside} aside beside the {UNRESERVABLE_EXECUTIONS} that Lambda keeps" if aside else ""
    return (
        f"this account may run {quota} executions at once in this region, but stage {settings.stage} counts on "
        f"account_concurrency={settings.account_concurrency}{needs}: ask for a higher quota (Service Quotas, Lambda, "
        "Concurrent executions), or lower account_concurrency and what depends on it in stacks/settings.py"
    )


def main(arguments: list[str]) -> int:
    """Check the stage that is named; 0 when it may be deployed."""
    problem = shortage(settings_of(arguments[0]), boto3.client("lambda"))
    if problem is not None:
        sys.stderr.write(f"{problem}\n")
    return 0 if problem is None else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
