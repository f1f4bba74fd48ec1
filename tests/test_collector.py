"""The garbage collector while a program loads, and after."""

import subprocess
import sys

SCRIPT = """
import gc
from penstock.collector import THRESHOLDS, loading
kept = []
with loading():
    assert not gc.isenabled()
    kept.append(kept)
assert gc.isenabled()
assert gc.get_threshold() == THRESHOLDS
assert not any(one is kept for one in gc.get_objects())
gone = []
gone.append(gone)
del gone
assert gc.collect() > 0
"""


def test_what_was_loaded_is_never_looked_at_again() -> None:
    """The collector rests meanwhile; afterwards it knows only what came later, and still finds cycles there."""
    done = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True, check=False)

    assert (done.returncode, done.stderr) == (0, "")
