"""Names of the CloudWatch metrics that a mapping adds to.

Source: Types of metrics for Lambda functions, "Event source mapping metrics". The EventCount metrics are opt-in
(``MetricsConfig``) and count records or messages; the other two are always there.
"""

from __future__ import annotations

from typing import Final

POLLED: Final = "PolledEventCount"
"""Records read; zero for a read that found none."""

FILTERED_OUT: Final = "FilteredOutEventCount"
"""Records that pass none of the filters."""

INVOKED: Final = "InvokedEventCount"
"""Records sent to the function, each attempt again, throttled and refused ones too."""

FAILED_INVOKE: Final = "FailedInvokeEventCount"
"""Records of an attempt that failed, or whose answer names failures; the whole batch counts."""

DROPPED: Final = "DroppedEventCount"
"""Records given up through retry or age limits that reached no destination; not those that retention took."""

DELIVERED_ON_FAILURE: Final = "OnFailureDestinationDeliveredEventCount"
"""Records that a delivered on-failure record stands for."""

DELETED: Final = "DeletedEventCount"
"""Messages deleted from the queue, after success or filtering."""

DELIVERY_FAILURES: Final = "DestinationDeliveryFailures"
"""On-failure records that the destination refused; a metric of the function."""

ITERATOR_AGE: Final = "IteratorAge"
"""Age in milliseconds of the last record of a batch when it is handed over; a metric of the function."""
