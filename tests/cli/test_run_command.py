"""The command line from outside: messages, exit codes, and nothing left behind."""

import contextlib
import http.client
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.runtime.workshop import gone

ROOT = Path(__file__).parent.parent.parent


def penstock(*arguments: str | Path, **options: str) -> subprocess.CompletedProcess[str]:
    """Run a command to its end."""
    return subprocess.run(
        [sys.executable, "-m", "penstock", *map(str, arguments)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=600,
    )


def children(pid: int) -> list[int]:
    """Processes in the tree below one, by the kernel's account; one may end while it is asked about."""
    below: dict[int, list[int]] = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            parent = int(stat.read_text().rpartition(")")[2].split()[1])
            below.setdefault(parent, []).append(int(stat.parent.name))
    found = list(below.get(pid, ()))
    for child in found:  # which grows meanwhile
        found += below.get(child, ())
    return found


def test_fails_when_there_is_no_assembly(tmp_path: Path) -> None:
    """A missing cdk.out is named, with the command that makes one."""
    ended = penstock("run", tmp_path / "cdk.out")

    assert ended.returncode == 2
    assert "cdk synth" in ended.stderr
    assert "Traceback" not in ended.stderr


def test_fails_when_the_template_is_broken(tmp_path: Path) -> None:
    """Text that is no template is refused with its place."""
    path = tmp_path / "template.json"
    path.write_text('{"Resources": ')

    ended = penstock("run", path)

    assert ended.returncode == 1
    assert "template.json" in ended.stderr
    assert "Traceback" not in ended.stderr


def test_fails_when_a_type_is_not_supported(tmp_path: Path) -> None:
    """A resource type that is not supported is refused by name."""
    path = tmp_path / "template.json"
    path.write_text('{"Resources": {"Instance": {"Type": "AWS::EC2::Instance", "Properties": {}}}}')

    ended = penstock("run", path)

    assert ended.returncode == 1
    assert "Instance" in ended.stderr
    assert "AWS::EC2::Instance" in ended.stderr


def test_fails_when_the_port_is_taken(cloud_assembly: Path) -> None:
    """A port in use is named with the option that changes it, and no process stays."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]

        ended = penstock("run", cloud_assembly, "--port", str(port))

    assert ended.returncode == 1
    assert f"{port}" in ended.stderr
    assert "--port" in ended.stderr


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="the process tree is read from /proc")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_interrupted_demo_leaves_no_process(cloud_assembly: Path, number: int) -> None:
    """Ctrl-C in the middle ends with one message and every worker gone."""
    running = subprocess.Popen(
        [sys.executable, "-m", "penstock", "demo", str(cloud_assembly)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert running.stderr is not None
    while "orders posted" not in (line := running.stderr.readline()):
        assert line, "the demo ended before it posted anything"
    workers = children(running.pid)
    assert workers

    running.send_signal(number)
    _, errors = running.communicate(timeout=600)

    assert running.returncode == 1
    assert "Traceback" not in errors
    assert [pid for pid in workers if not gone(pid)] == []


def test_run_that_nobody_reads_any_more_ends(tmp_path: Path) -> None:
    """Behind `| head`: the line that finds no reader is its last one, and no trouble of the application's."""
    template = str(ROOT / "tests" / "testing" / "parcels.yaml")
    command = [sys.executable, "-m", "penstock", "run", template, "--port", "0"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    with (
        (tmp_path / "errors").open("w") as errors,
        subprocess.Popen(
            command, cwd=tmp_path, env=environment, stdout=subprocess.PIPE, stderr=errors, text=True
        ) as running,
    ):
        assert running.stdout is not None
        while not (line := running.stdout.readline()).startswith("  curl"):
            assert line, (tmp_path / "errors").read_text()
        running.stdout.close()

        asked = http.client.HTTPConnection(urlsplit(line.split()[-1]).netloc, timeout=600)
        asked.request("GET", "/nowhere")
        status = asked.getresponse().status
        asked.close()

        assert (status, running.wait(600)) == (404, 1)
    assert (tmp_path / "errors").read_text().splitlines()[-1] == "stopping"
