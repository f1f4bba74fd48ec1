"""An HTTP request as it arrived: what authorization and the event are made from."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import unquote


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpRequest:
    """A request with its whole body.

    ``raw_path`` and ``raw_query`` are as sent, percent-encoded; the query without its question mark. ``headers``
    are pairs in the order sent, names as sent, repeated ones repeated. ``port`` is the one that it was sent to.
    """

    method: str
    raw_path: str
    raw_query: str
    headers: tuple[tuple[str, str], ...]
    body: bytes
    protocol: str
    source_ip: str
    port: int

    @property
    def path(self) -> str:
        """Give the path decoded, as routes see it."""
        return unquote(self.raw_path)

    def header(self, name: str) -> str | None:
        """Give the values of a header joined by commas, ``None`` when it was not sent; ``name`` in lower case."""
        values = [value.strip() for key, value in self.headers if key.lower() == name]
        return ",".join(values) if values else None
