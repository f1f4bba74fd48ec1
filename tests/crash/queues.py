"""Queues of messages about changes of the shop's orders."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from penstock.mapping.configuration import QueueConfiguration
from tests.crash.faults import Layout
from tests.crash.shop import body
from tests.crash.sources import Message, QueueSource, Source, with_batches_of
from tests.crash.subject import Deployed


def message(order_id: str, version: int, *, copy: str = "", is_late: bool = False) -> Message:
    """Make the message about a change; a copy is a repetition of its event by the bus."""
    return Message(ref=f"{order_id}/{version}{copy}", body=body(order_id, version), is_late=is_late)


def order_and_version(ref: str) -> tuple[str, int]:
    """Read which change a message is about."""
    order_id, _, version = ref.partition("/")
    return order_id, int(version[0])


def queue_of(messages: Sequence[Message], *, batch_size: int) -> Callable[[Deployed, Layout], Source]:
    """Make the source of a queue's function."""

    def source(deployed: Deployed, layout: Layout) -> Source:
        assert isinstance(deployed.configuration, QueueConfiguration)
        return QueueSource(
            messages,
            with_batches_of(batch_size, deployed.configuration),
            maximum_receive_count=deployed.maximum_receive_count,
            others_late=layout is Layout.OTHER_BATCHES,
        )

    return source
