"""What a stream mapping works under, shared by its shards and lanes and never changed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from penstock.mapping.choices import Choices
from penstock.mapping.configuration import StreamConfiguration


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamTerms:
    """Configuration, choices and names; ``passes`` is the compiled filters, ``None`` where there are none."""

    configuration: StreamConfiguration
    choices: Choices
    uuid: str
    function_arn: str
    event_source_arn: str
    ids: Callable[[], str]
    passes: Callable[[Mapping[str, Any]], bool] | None

    @property
    def batching_window_ms(self) -> int:
        """The batching window in milliseconds."""
        return self.configuration.maximum_batching_window_in_seconds * 1_000

    @property
    def tumbling_window_ms(self) -> int:
        """The tumbling window in milliseconds; 0 is none."""
        return self.configuration.tumbling_window_in_seconds * 1_000

    @property
    def reports_age(self) -> bool:
        """Whether a record that is too old is reported, or silently lost with the stream's retention.

        A limit beyond retention has no effect: the stream has lost the record by then.
        """
        limit = self.configuration.maximum_record_age_in_seconds
        return limit is not None and limit * 1_000 <= self.choices.retention_ms

    @property
    def age_limit_ms(self) -> int:
        """The age beyond which a record is given up."""
        limit = self.configuration.maximum_record_age_in_seconds
        return self.choices.retention_ms if limit is None else min(limit * 1_000, self.choices.retention_ms)
