"""A file of shell variables that lead the AWS CLI and the SDKs to a running application: `. .penstock/environment`."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from penstock import CACHE
from penstock.errors import EnvironmentProblem

if TYPE_CHECKING:
    from penstock.application import Application

ENVIRONMENT = CACHE / "environment"


def variables_of(application: Application) -> Mapping[str, str]:
    """What a client needs to reach the application as its developer, who may do everything there."""
    key, secret = application.caller_credentials
    return {
        "AWS_ENDPOINT_URL": application.endpoint,
        "AWS_ACCESS_KEY_ID": key,
        "AWS_SECRET_ACCESS_KEY": secret,
        "AWS_REGION": application.region,
        "AWS_DEFAULT_REGION": application.region,
        "AWS_ACCOUNT_ID_ENDPOINT_MODE": "disabled",  # an endpoint by account is not served here
    }


@contextmanager
def environment_file(application: Application, path: Path = ENVIRONMENT) -> Iterator[None]:
    """Have the file while the application runs; `EnvironmentProblem` when it cannot be written."""
    text = "".join(f"export {name}={shlex.quote(value)}\n" for name, value in variables_of(application).items())
    text += "unset AWS_PROFILE AWS_SESSION_TOKEN\n"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    except OSError as problem:
        raise EnvironmentProblem(f"{path} cannot be written: {problem.strerror}; start in another folder") from None
    try:
        yield
    finally:
        if path.is_file() and path.read_text(encoding="utf-8") == text:  # else another run has come since
            path.unlink()
