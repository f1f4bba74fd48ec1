"""Faults on purpose, from a seeded script: what AWS does to an application now and then, done when a test asks for it.

``kinds.py`` has the kinds of faults as data, ``script.py`` a list of them in a JSON file. ``chance.py`` decides which
occurrences are hit. ``calls.py`` holds the faults of AWS calls at the front door, with what a refusal looks like in
each service's protocol (``refusals.py``) and what a batch call makes of single entries (``entries.py``);
``deliveries.py`` holds those of invocations, bus events and on-failure destinations. ``armed.py`` is one script at
work; ``log.py`` tells what struck.
"""

from penstock.cloud.faults.armed import Faults
from penstock.cloud.faults.log import Strike
from penstock.cloud.faults.script import FaultScript, read_script

__all__ = ["FaultScript", "Faults", "Strike", "read_script"]
