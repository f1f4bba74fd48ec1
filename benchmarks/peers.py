"""Installs the peers that the benchmarks measure, each in an environment of its own below `build/peers`.

`python -m benchmarks.peers [NAME…]`; needs a package index. What is there already is left alone.
"""

from __future__ import annotations

import subprocess
import sys
import venv
from pathlib import Path

PEERS = {"localstack": "localstack-core[base-runtime]==4.14.0", "ministack": "ministack==1.5.33"}
HOME = Path(__file__).parent.parent / "build" / "peers"


def interpreter_of(peer: str) -> Path:
    """Tell where the Python of a peer is, or would be once it is installed."""
    return HOME / peer / "bin" / "python"


def install(peer: str) -> None:
    """Create the environment of a peer and install the pinned version there."""
    if not interpreter_of(peer).exists():
        venv.create(HOME / peer, with_pip=True)
    pip = [str(interpreter_of(peer)), "-m", "pip", "--disable-pip-version-check", "install", "--quiet"]
    subprocess.run([*pip, PEERS[peer]], check=True)


if __name__ == "__main__":
    for name in sys.argv[1:] or PEERS:
        if name not in PEERS:
            sys.exit(f"no peer {name}; there are {', '.join(PEERS)}")
        print(f"{name}: {PEERS[name]}", flush=True)
        install(name)
