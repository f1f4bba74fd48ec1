"""Penstock and MiniStack as processes that run the same minimal application, each as its users start it."""

from __future__ import annotations

import contextlib
import io
import os
import re
import signal
import socket
import subprocess
import sys
import time
import zipfile
from abc import ABC, abstractmethod
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

from benchmarks.minimal_assembly import CODE, HANDLER, TABLE_PROPERTIES, TIMEOUT_SECONDS, write_assembly
from benchmarks.peers import interpreter_of

ROOT = Path(__file__).parent.parent
OWN_ASSEMBLY = ROOT / "cdk.out"
REGION = "us-east-1"
ACCOUNT = "123456789012"
START_LIMIT_SECONDS = 60.0


class Emulator(ABC):
    """One run of one emulator with one mapping; leaving the context ends it.

    ``folder`` is this run's own and does not exist yet; ``cache`` outlives it. ``environment`` is the function's.
    """

    name = ""

    def __init__(self, folder: Path, *, cache: Path, batch_size: int, environment: Mapping[str, str]) -> None:
        self.folder = folder
        self.cache = cache
        self.batch_size = batch_size
        self.environment = dict(environment)
        self.started_at = 0.0
        self._process: subprocess.Popen[str] | None = None
        folder.mkdir(parents=True)

    def __enter__(self) -> Self:
        self.prepare()
        log = (self.folder / "stderr.log").open("w")
        self.started_at = time.time()
        with log:
            self._process = subprocess.Popen(
                self.command(),
                cwd=self.cache,
                env={"PATH": os.environ["PATH"], "HOME": str(self.cache), **self.variables()},
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                start_new_session=True,
            )
        try:
            self.become_ready()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        process = self._process
        if process is None:
            return
        process.send_signal(signal.SIGTERM)
        try:
            process.communicate(timeout=20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)

    @abstractmethod
    def prepare(self) -> None:
        """Make what is there before a user starts the emulator; not measured."""

    @abstractmethod
    def command(self) -> list[str]:
        """Tell the command that starts it."""

    @abstractmethod
    def variables(self) -> Mapping[str, str]:
        """Tell the environment of that command."""

    @abstractmethod
    def become_ready(self) -> None:
        """Do all that has to be done until an item can be put; measured."""

    @property
    @abstractmethod
    def client(self) -> Any:
        """A client of its DynamoDB."""

    @property
    def process(self) -> subprocess.Popen[str]:
        """The main process."""
        assert self._process is not None
        return self._process

    def memory_mb(self, *, whole: bool) -> float:
        """Resident memory in MB (10^6 bytes): of the main process, or of it and all that it started."""
        pids = descendants(self.process.pid) if whole else [self.process.pid]
        answer = subprocess.run(
            ["ps", "-o", "rss=", "-p", ",".join(map(str, pids))], capture_output=True, text=True, check=True
        )
        return sum(map(int, answer.stdout.split())) * 1024 / 1e6

    @property
    def processor_seconds(self) -> float:
        """User and system time so far of the main process and all that it started, by Linux's account."""
        ticks = 0
        for pid in descendants(self.process.pid):
            fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
            ticks += int(fields[11]) + int(fields[12])
        return ticks / os.sysconf("SC_CLK_TCK")


def descendants(pid: int) -> list[int]:
    """A process and all that it started and that are still there."""
    answer = subprocess.run(["ps", "-e", "-o", "pid=,ppid="], capture_output=True, text=True, check=True)
    found = [pid]
    pairs = [tuple(map(int, line.split())) for line in answer.stdout.splitlines()]
    for parent in found:  # grows meanwhile
        found += [child for child, its_parent in pairs if its_parent == parent]
    return found


class Penstock(Emulator):
    """``penstock run`` on an unchanged cloud assembly."""

    name = "penstock"

    def prepare(self) -> None:
        """Write the assembly; load what a client needs, with the keys that the operator of seed 0 will have."""
        from penstock.cloud.callers import Callers

        self.assembly = self.write_assembly()
        operator = Callers(account_id=ACCOUNT, seed="0").operator
        self._session = _session(operator.access_key, operator.secret_key)
        self._client: Any = None

    def write_assembly(self) -> Path:
        """Give the assembly that is run."""
        return write_assembly(self.folder / "cdk.out", batch_size=self.batch_size, environment=self.environment)

    def command(self) -> list[str]:
        """Start the command line, its API on any free port."""
        return [sys.executable, "-m", "penstock", "run", str(self.assembly), "--port", "0"]

    def variables(self) -> Mapping[str, str]:
        """Let it be found, and its output be seen at once."""
        return {"PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1"}

    def become_ready(self) -> None:
        """Wait until it says where it is."""
        endpoint = self.await_line(r"AWS endpoint (\S+)")[1]
        self._client = _client(self._session, "dynamodb", endpoint)

    def await_line(self, pattern: str) -> re.Match[str]:
        """Wait for a line of its output that is of this form."""
        assert self.process.stdout is not None
        for line in self.process.stdout:
            found = re.fullmatch(pattern, line.rstrip("\n"))
            if found is not None:
                return found
        raise RuntimeError(f"penstock ended: {(self.folder / 'stderr.log').read_text()}")

    @property
    def client(self) -> Any:
        """A client of its DynamoDB."""
        return self._client


class QuietPenstock(Penstock):
    """``penstock run --quiet``: nothing is printed for an invocation, as MiniStack prints nothing."""

    def command(self) -> list[str]:
        """Start it without a word."""
        return [*super().command(), "--quiet"]


class OwnApplication(Penstock):
    """``penstock run`` on the assembly of this repository, which must be there; its Orders table is written."""

    name = "own application"

    def write_assembly(self) -> Path:
        """Give the assembly that the CDK wrote."""
        return OWN_ASSEMBLY

    def await_invocation(self) -> None:
        """Wait until it tells of the first invocation."""
        self.await_line(r"\d\d:\d\d:\d\d \w+: .*\(\d+ ms\b.*")


class MiniStack(Emulator):
    """``ministack``, and the calls that define the same application there."""

    name = "ministack"

    def prepare(self) -> None:
        """Choose a port, zip the code, make the clients."""
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self._port = free.getsockname()[1]
        code = io.BytesIO()
        with zipfile.ZipFile(code, "w") as archive:
            archive.write(CODE, CODE.name)
        self._code = code.getvalue()
        session = _session("test", "test")
        endpoint = f"http://127.0.0.1:{self._port}"
        self._dynamodb = _client(session, "dynamodb", endpoint)
        self._lambda = _client(session, "lambda", endpoint)

    def command(self) -> list[str]:
        """Start the installed command."""
        return [str(interpreter_of("ministack").with_name("ministack"))]

    def variables(self) -> Mapping[str, str]:
        """Keep it on loopback and its files in the folder of the run."""
        return {
            "GATEWAY_PORT": str(self._port),
            "BIND_HOST": "127.0.0.1",
            "MINISTACK_ACCOUNT_ID": ACCOUNT,
            "LOG_LEVEL": "WARNING",
            "TMPDIR": str(self.folder),
        }

    def become_ready(self) -> None:
        """Wait for its port, and define table, function and mapping."""
        self._await_port()
        specification = {**TABLE_PROPERTIES["StreamSpecification"], "StreamEnabled": True}
        table = self._dynamodb.create_table(**{**TABLE_PROPERTIES, "StreamSpecification": specification})
        function = self._lambda.create_function(
            FunctionName="measured",
            Runtime="python3.13",
            Role=f"arn:aws:iam::{ACCOUNT}:role/measured",
            Handler=HANDLER,
            Timeout=TIMEOUT_SECONDS,
            Code={"ZipFile": self._code},
            Environment={"Variables": self.environment},
        )
        self._lambda.create_event_source_mapping(
            FunctionName=function["FunctionArn"],
            EventSourceArn=table["TableDescription"]["LatestStreamArn"],
            StartingPosition="TRIM_HORIZON",
            BatchSize=self.batch_size,
        )

    @property
    def client(self) -> Any:
        """A client of its DynamoDB."""
        return self._dynamodb

    def _await_port(self) -> None:
        while time.time() < self.started_at + START_LIMIT_SECONDS:
            if self.process.poll() is not None:
                break
            with socket.socket() as knocking:
                if knocking.connect_ex(("127.0.0.1", self._port)) == 0:
                    return
            time.sleep(0.005)
        raise RuntimeError(f"ministack did not start: {(self.folder / 'stderr.log').read_text()}")


EMULATORS: tuple[type[Emulator], ...] = (QuietPenstock, MiniStack)


def _session(access_key: str, secret_key: str) -> Any:
    from botocore.session import Session

    session = Session()
    session.set_credentials(access_key, secret_key)
    _client(session, "dynamodb", "http://127.0.0.1:1")  # loads what a client needs, before anything is measured
    return session


def _client(session: Any, service: str, endpoint: str) -> Any:
    from botocore.config import Config

    config = Config(account_id_endpoint_mode="disabled", retries={"total_max_attempts": 1})
    return session.create_client(service, region_name=REGION, endpoint_url=endpoint, config=config)
