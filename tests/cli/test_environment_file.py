"""The file that leads a shell to a running application: what it says, and how long it is there."""

import shlex
import subprocess
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from penstock.cli.environment_file import environment_file
from penstock.errors import EnvironmentProblem


def application(**attributes: Any) -> Any:
    """As much of an application as the file tells of."""
    told = {"endpoint": "http://127.0.0.1:1", "region": "eu-west-1", "caller_credentials": ("AKIA", "it's")}
    return cast(Any, SimpleNamespace(**told | attributes))


def test_shell_has_the_variables(tmp_path: Path) -> None:
    """A shell that reads the file speaks to the application as its developer, whatever was set before."""
    path = tmp_path / ".penstock" / "environment"
    with environment_file(application(), path):
        ended = subprocess.run(
            ["sh", "-c", f". {shlex.quote(str(path))}; env"],
            env={"AWS_PROFILE": "mine"},
            capture_output=True,
            text=True,
            check=True,
        )

    found = dict(line.split("=", 1) for line in ended.stdout.splitlines() if line.startswith("AWS_"))
    assert found == {
        "AWS_ENDPOINT_URL": "http://127.0.0.1:1",
        "AWS_ACCESS_KEY_ID": "AKIA",
        "AWS_SECRET_ACCESS_KEY": "it's",
        "AWS_REGION": "eu-west-1",
        "AWS_DEFAULT_REGION": "eu-west-1",
        "AWS_ACCOUNT_ID_ENDPOINT_MODE": "disabled",
    }


def test_file_goes_with_its_run_alone(tmp_path: Path) -> None:
    """At the end of a run its file is removed, but not that of a run that has come since."""
    path = tmp_path / "environment"
    with environment_file(application(), path), environment_file(application(endpoint="http://127.0.0.1:2"), path):
        pass
    assert not path.exists()

    with environment_file(application(), path):
        path.write_text("another's")
    assert path.read_text() == "another's"


def test_fails_when_the_file_cannot_be_written(tmp_path: Path) -> None:
    """What stands in the way is named."""
    (tmp_path / "file").write_text("")

    with (
        pytest.raises(EnvironmentProblem, match=r"environment cannot be written: .*; start in another folder"),
        environment_file(application(), tmp_path / "file" / "environment"),
    ):
        pass
