"""What a function can see from inside its execution environment."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

import penstock
from penstock.errors import EnvironmentProblem
from penstock.runtime.functions import Answer, Functions
from tests.runtime.workshop import Workshop, gone

TOOL = """
import pathlib, sys
from tests.runtime.workshop import Workshop

async def scenario(functions):
    await functions.invoke("worker", b"{}", request_id="r-1")

workshop = Workshop(pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2]))
workshop.hear = lambda line: print(line.text, flush=True)
workshop.function(
    '''
    import os, subprocess
    def lambda_handler(event, context):
        child = subprocess.Popen(["sleep", "900"])
        print(os.getpid(), child.pid)
        while True: pass
    '''
)
workshop.run(scenario)
"""


def test_variables_are_those_of_lambda_and_no_others(workshop: Workshop, monkeypatch: pytest.MonkeyPatch) -> None:
    """A worker sees Lambda's variables, the function's own, the role's, and nothing of this process."""
    monkeypatch.setenv("SECRET_OF_THE_HOST", "leaked")
    workshop.provided = {"AWS_ACCESS_KEY_ID": "AKIDROLE", "AWS_ENDPOINT_URL": "http://127.0.0.1:1"}
    function = workshop.function(
        "import os\ndef lambda_handler(event, context): return dict(os.environ)",
        environment={"TABLE": "Orders", "TZ": ":Europe/Berlin", "AWS_REGION": "refused", "AWS_ENDPOINT_URL": "refused"},
    )

    async def scenario(functions: Functions) -> object:
        return await functions.invoke("worker:live", b"{}", request_id="r-1")

    answer = workshop.run(scenario)

    assert isinstance(answer, Answer)
    seen = json.loads(answer.payload)
    # Python's own, where the machine lacks the locale that Lambda has.
    seen.pop("LC_CTYPE", None)
    assert seen.pop("AWS_LAMBDA_RUNTIME_API").startswith("127.0.0.1:")
    assert seen.pop("AWS_LAMBDA_LOG_STREAM_NAME")[10:14] == "/[7]"
    assert seen.pop("_X_AMZN_TRACE_ID").startswith("Root=1-")
    runtime_directory = seen["LAMBDA_RUNTIME_DIR"]
    assert seen == {
        "AWS_ACCESS_KEY_ID": "AKIDROLE",
        "AWS_ACCOUNT_ID_ENDPOINT_MODE": "disabled",
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_DEFAULT_REGION": "eu-west-1",
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_ENDPOINT_URL": "http://127.0.0.1:1",
        "AWS_EXECUTION_ENV": "AWS_Lambda_python3.13",
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "256",
        "AWS_LAMBDA_FUNCTION_NAME": "worker",
        "AWS_LAMBDA_FUNCTION_VERSION": "7",
        "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
        "AWS_LAMBDA_LOG_GROUP_NAME": "/aws/lambda/worker",
        "AWS_REGION": "eu-west-1",
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "LAMBDA_RUNTIME_DIR": runtime_directory,
        "LAMBDA_TASK_ROOT": str(function.code),
        "LANG": "en_US.UTF-8",
        "PATH": "/usr/local/bin:/usr/bin:/bin",
        "PYTHONPATH": f"{function.code}{os.pathsep}{runtime_directory}",
        "TABLE": "Orders",
        "TZ": ":Europe/Berlin",
        "_HANDLER": "handlers.lambda_handler",
    }


def test_layers_are_found_the_last_one_first(workshop: Workshop, tmp_path: Path) -> None:
    """A module of a layer is imported, from the later of two layers, and never in place of the function's own."""
    folders = {"early": "python", "late": "python/lib/python3.13/site-packages"}
    for layer, folder in folders.items():
        (tmp_path / layer / folder).mkdir(parents=True)
        (tmp_path / layer / folder / "shared.py").write_text(f"origin = {layer!r}")
        (tmp_path / layer / folder / "handlers.py").write_text("raise Exception('not of the function')")
    function = workshop.function("import shared\ndef lambda_handler(event, context): return shared.origin")
    workshop.functions[:] = [replace(function, layers=(tmp_path / "early", tmp_path / "late"))]

    async def scenario(functions: Functions) -> object:
        return await functions.invoke("worker", b"{}", request_id="r-1")

    assert workshop.run(scenario) == Answer(payload=b'"late"', executed_version="$LATEST")


def test_packages_are_those_of_lambda_and_no_others(workshop: Workshop) -> None:
    """boto3 is there, what merely happens to be installed here is not, and the asset comes first."""
    workshop.function(
        """
        import importlib.util, os, sys
        def lambda_handler(event, context):
            found = [name for name in ("boto3", "awslambdaric", "moto", "aiohttp", "penstock", "pytest")
                     if importlib.util.find_spec(name)]
            return {"found": found, "first": sys.path[0] or os.getcwd(), "cwd": os.getcwd()}
        """
    )

    async def scenario(functions: Functions) -> object:
        return await functions.invoke("worker", b"{}", request_id="r-1")

    answer = workshop.run(scenario)

    assert isinstance(answer, Answer)
    asset = str(workshop.folder / "worker")
    assert json.loads(answer.payload) == {"found": ["boto3", "awslambdaric"], "first": asset, "cwd": asset}


def test_asset_stays_as_it_is(workshop: Workshop) -> None:
    """Bytecode goes to the cache and is found there again; the asset may be read-only."""
    workshop.function("def lambda_handler(event, context): return __cached__")

    async def scenario(functions: Functions) -> object:
        return await functions.invoke("worker", b"{}", request_id="r-1")

    answer = workshop.run(scenario)

    assert isinstance(answer, Answer)
    assert [path.name for path in (workshop.folder / "worker").iterdir()] == ["handlers.py"]
    cached = Path(json.loads(answer.payload))
    assert cached.is_relative_to(workshop.cache.resolve())
    assert cached.exists()


def test_standard_input_is_empty(workshop: Workshop) -> None:
    """A function that reads from standard input finds its end, not the terminal of whoever runs the tool."""
    workshop.function("import sys\ndef lambda_handler(event, context): return sys.stdin.read()")

    async def scenario(functions: Functions) -> object:
        return await functions.invoke("worker", b"{}", request_id="r-1")

    assert workshop.run(scenario) == Answer(payload=b'""', executed_version="$LATEST")


def test_log_lines_belong_to_their_invocation(workshop: Workshop) -> None:
    """Each line is told with the invocation that wrote it; lines of the init belong to none."""
    workshop.function(
        """
        import sys
        print("init")
        def lambda_handler(event, context):
            print("out", event)
            print("err", event, file=sys.stderr)
            sys.stdout.write("no line end")
        """
    )

    async def scenario(functions: Functions) -> None:
        for n in range(3):
            await functions.invoke("worker", str(n).encode(), request_id=f"r-{n}")

    workshop.run(scenario)

    assert workshop.log("stderr") == [(f"r-{n}", f"err {n}") for n in range(3)]
    assert workshop.log()[:2] == [(None, "init"), ("r-0", "out 0")]
    assert {line.function.name for line in workshop.lines} == {"worker"}


def test_traceback_is_one_entry(workshop: Workshop) -> None:
    """The runtime's traceback comes as one entry of several lines."""
    workshop.function("def lambda_handler(event, context): raise ValueError('no')")

    async def scenario(functions: Functions) -> None:
        await functions.invoke("worker", b"{}", request_id="r-1")

    workshop.run(scenario)

    ((request_id, text),) = workshop.log()
    assert request_id == "r-1"
    assert text.splitlines()[:2] == ["[ERROR] ValueError: no", "Traceback (most recent call last):"]


def test_fails_when_the_asset_is_not_there(workshop: Workshop) -> None:
    """An asset folder that vanished is a problem of this machine, named with the function."""
    function = workshop.function("")
    (function.code / "handlers.py").unlink()
    function.code.rmdir()

    async def scenario(functions: Functions) -> None:
        await functions.invoke("worker", b"{}", request_id="r-1")

    with pytest.raises(EnvironmentProblem, match="Worker: its worker process cannot be started"):
        workshop.run(scenario)


def test_worker_dies_with_the_tool(workshop: Workshop) -> None:
    """A worker in an endless loop, and its child, are gone after the tool was killed without a chance to clean up."""
    tool = workshop.folder / "tool.py"
    tool.write_text(TOOL)
    root = Path(penstock.__file__).parents[1]
    with subprocess.Popen(
        [sys.executable, tool, workshop.folder, workshop.cache],
        stdout=subprocess.PIPE,
        text=True,
        env={"PYTHONPATH": str(root)},
    ) as running:
        assert running.stdout is not None
        pids = [int(pid) for pid in running.stdout.readline().split()]
        running.send_signal(signal.SIGKILL)

    assert len(pids) == 2
    assert all(gone(pid) for pid in pids)
