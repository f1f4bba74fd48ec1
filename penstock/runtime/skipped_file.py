"""How worker processes learn what a jumping clock has skipped: a number in a file that they map into their memory.

The clock does not jump while an invocation is under way, so what is written before one holds to its end.
"""

from __future__ import annotations

import os
import struct
import tempfile
from pathlib import Path

_SKIPPED_MS = struct.Struct("<q")


class SkippedFile:
    """The file of one running application; `shifted_clock` reads it."""

    def __init__(self) -> None:
        self._descriptor, path = tempfile.mkstemp(prefix="penstock-skipped-")
        self.path = Path(path)
        self.tell(0)

    def tell(self, skipped_ms: int) -> None:
        """Let all processes know."""
        os.pwrite(self._descriptor, _SKIPPED_MS.pack(skipped_ms), 0)

    def close(self) -> None:
        """Remove the file; closing twice does nothing."""
        if self.path.exists():
            os.close(self._descriptor)
            self.path.unlink()
