"""The rows of the matrix: every handler, and plain Powertools beside some of them."""

from __future__ import annotations

from dataclasses import replace

from tests.crash.handlers.api import API
from tests.crash.handlers.enrich import ENRICH
from tests.crash.handlers.notify import NOTIFY, PLAIN_NOTIFY
from tests.crash.handlers.relay import RELAY
from tests.crash.handlers.replicate import PLAIN_REPLICATE, REPLICATE
from tests.crash.handlers.summarize import SUMMARIZE

PLAIN_RELAY = replace(RELAY, name="relay, plain", module="tests.crash.plain.relay")
HANDLERS = (API, RELAY, SUMMARIZE, ENRICH, NOTIFY, REPLICATE)
PLAIN = (PLAIN_RELAY, PLAIN_NOTIFY, PLAIN_REPLICATE)
SUBJECTS = (*HANDLERS, *PLAIN)
