"""Cold starts: what Init costs a function as it is bundled here, beside the ordinary bundle and the bare floor.

`python -m benchmarks.cold_start [ASSEMBLY] [--rounds N]`. Three bundles of each function are started as Lambda starts
them: a fresh process under the runtime interface client, files dated 1980, a folder that nothing is written to, only
boto3 and that client beside it. Init is over when the client asks for its first event; until then the processor time
and the largest memory of the process count.

- *bundled*: what `stacks/function_code.py` makes for the Python that runs this, so with compiled modules;
- *ordinary*: the same sources and pinned requirements, put there by `pip install -t`, nothing pruned; the archive's
  dates make every compiled module stale;
- *floor*: a handler that imports nothing, and *client*: one that makes a DynamoDB client and nothing else.

The bundles of a round follow one another, so that a busy machine is busy for all; the median of the rounds counts.
Linux only.
"""

from __future__ import annotations

import argparse
import os
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from penstock.runtime.runtime_directory import runtime_directory
from penstock.runtime.variables import variables_of
from penstock.template.models import Function
from penstock.template.reader import load
from stacks.function_code import SOURCE, FunctionCode

CACHE = Path(".penstock")
DATED = 315_532_800
"""1 January 1980 in seconds: the date of every file in an archive that the CDK makes."""
BARE = {
    "floor": "def lambda_handler(event, context): ...\n",
    "client": "import boto3\nboto3.client('dynamodb')\ndef lambda_handler(event, context): ...\n",
}
GOAL = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Init:
    """What one Init phase took: processor time of the process in ms, and its largest memory in MB."""

    processor_ms: float
    memory_mb: float


def bundles_of(handler: str, folder: Path) -> dict[str, Path]:
    """Make the bundles of a function in folders below one: name → folder."""
    made = {name: folder / f"{handler}-{name}" for name in ("bundled", "ordinary")}
    made["bundled"].mkdir()
    runtime = f"python{sys.version_info.major}.{sys.version_info.minor}"
    FunctionCode(handler, runtime=runtime).bundle(made["bundled"])
    shutil.copytree(_ordinary(folder), made["ordinary"])
    return made


def _ordinary(folder: Path) -> Path:
    """What one would write without thinking: everything, installed by pip; the same for all functions."""
    target = folder / "ordinary"
    if not target.exists():
        shutil.copytree(SOURCE, target, ignore=shutil.ignore_patterns("__pycache__"))
        pip = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        subprocess.run([*pip, f"--target={target}", f"--requirement={SOURCE / 'requirements.txt'}"], check=True)
    return target


def bare(folder: Path) -> Iterator[tuple[str, Path]]:
    """Make the bundles that have no function of ours: name → folder."""
    for name, text in BARE.items():
        target = folder / name / "handlers"
        target.mkdir(parents=True)
        (target / "bare.py").write_text(text, encoding="utf-8")
        yield name, target.parent


def date(folder: Path) -> None:
    """Date all files 1980 and forbid to write, as in an unpacked archive."""
    for path in sorted(folder.rglob("*"), reverse=True):
        os.utime(path, (DATED, DATED))
        path.chmod(0o555 if path.is_dir() else 0o444)
    folder.chmod(0o555)


def init_of(code: Path, handler: str, variables: Mapping[str, str], listening: socket.socket) -> Init:
    """Start one bundle and measure it until it asks for its first event."""
    host, port = listening.getsockname()
    environment = {
        **variables,
        "PYTHONPATH": os.pathsep.join([str(code), variables["LAMBDA_RUNTIME_DIR"]]),
        "AWS_LAMBDA_RUNTIME_API": f"{host}:{port}",
        "PYTHONDONTWRITEBYTECODE": "1",  # the folder's mode does not stop root
        "LAMBDA_TASK_ROOT": str(code),
    }
    command = [sys.executable, "-S", "-m", "awslambdaric", handler]
    with subprocess.Popen(command, cwd=code, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as run:
        try:
            asked, _ = listening.accept()
            with asked:
                first = asked.recv(65536).partition(b"\r\n")[0]
                measured = _spent(run.pid)
        except TimeoutError:
            first = b"nothing in time"
        finally:
            run.kill()
        if b"/invocation/next" not in first:
            said = run.stdout.read().decode() if run.stdout else ""
            raise SystemExit(f"{handler} in {code.name} did not start: {first.decode()}\n{said}")
    return measured


def _spent(pid: int) -> Init:
    fields = Path(f"/proc/{pid}/schedstat").read_text().split()
    status = Path(f"/proc/{pid}/status").read_text().splitlines()
    peak_kb = next(int(line.split()[1]) for line in status if line.startswith("VmHWM"))
    return Init(processor_ms=int(fields[0]) / 1e6, memory_mb=peak_kb / 1024)


def measure(functions: Mapping[str, Function], folder: Path, *, rounds: int) -> dict[tuple[str, str], Init]:
    """Measure all: (function, bundle) → medians; bare bundles stand under their own name and ``""``."""
    runtime = runtime_directory(CACHE)
    codes = {(handler, name): path for handler in functions for name, path in bundles_of(handler, folder).items()}
    codes |= {(name, ""): path for name, path in bare(folder)}
    some = next(iter(functions.values()))
    variables = {
        key: variables_of(
            functions.get(key[0], some), version="1", runtime_directory=runtime, provided=_CREDENTIALS, now_ms=0
        )
        for key in codes
    }
    for path in codes.values():
        date(path)
    found: dict[tuple[str, str], list[Init]] = {key: [] for key in codes}
    with socket.create_server(("127.0.0.1", 0)) as listening:
        listening.settimeout(60)
        for _ in range(rounds + 1):
            for key, path in codes.items():
                handler = f"handlers.{key[0] if key[1] else 'bare'}.lambda_handler"
                found[key].append(init_of(path, handler, variables[key], listening))
    return {key: _median(each[1:]) for key, each in found.items()}  # the first only warms the machine's caches


def _median(inits: list[Init]) -> Init:
    return Init(
        processor_ms=statistics.median(init.processor_ms for init in inits),
        memory_mb=statistics.median(init.memory_mb for init in inits),
    )


_CREDENTIALS = {
    "AWS_ACCESS_KEY_ID": "local",
    "AWS_SECRET_ACCESS_KEY": "local",
    "AWS_ENDPOINT_URL": "http://127.0.0.1:9",
}


def report(medians: Mapping[tuple[str, str], Init]) -> None:
    """Print the table, as it stands in the documentation."""
    client = medians["client", ""].processor_ms
    print("| function | bundled: CPU ms | MB | ordinary: CPU ms | MB | bundled / ordinary | beyond the client |")
    print("|---|---|---|---|---|---|---|")
    for (handler, name), ours in medians.items():
        if name == "bundled":
            theirs = medians[handler, "ordinary"]
            ratio = ours.processor_ms / theirs.processor_ms
            beyond = (ours.processor_ms - client) / (theirs.processor_ms - client)
            print(
                f"| `{handler}` | {ours.processor_ms:.0f} | {ours.memory_mb:.0f} | {theirs.processor_ms:.0f} | "
                f"{theirs.memory_mb:.0f} | {ratio:.2f} | {beyond:.2f} |"
            )
        elif not name:
            print(f"| *{handler}* | {ours.processor_ms:.0f} | {ours.memory_mb:.0f} | | | | |")
    print(f"\ngoal: at most {GOAL} of the ordinary bundle's CPU for each stream and queue function")


def main() -> None:
    """Run the benchmark."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("assembly", nargs="?", type=Path, default=Path("cdk.out"))
    arguments.add_argument("--rounds", type=int, default=7)
    given = arguments.parse_args()
    functions = {function.handler.split(".")[1]: function for function in load(given.assembly).functions}
    with tempfile.TemporaryDirectory() as folder:
        medians = measure(functions, Path(folder), rounds=given.rounds)
        subprocess.run(["chmod", "-R", "u+w", folder], check=True)
    report(medians)


if __name__ == "__main__":
    main()
