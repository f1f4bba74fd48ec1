"""What an HTTP API adds to the metrics: the namespace ``AWS/ApiGateway``, by ``ApiId``.

Source: *Monitoring HTTP API metrics with Amazon CloudWatch*. Not kept by stage, nor by method and resource.
"""

from __future__ import annotations

from typing import Final

from penstock.cloud.cloudwatch.metrics import Metrics
from penstock.gateway.gateway import Served

NAMESPACE: Final = "AWS/ApiGateway"


def measure_request(metrics: Metrics, api_id: str, served: Served) -> None:
    """Add a request that was answered; the average of an error metric is its rate."""
    dimensions = {"ApiId": api_id}
    metrics.add(NAMESPACE, "Count", 1, dimensions)
    metrics.add(NAMESPACE, "4xx", int(400 <= served.status < 500), dimensions)
    metrics.add(NAMESPACE, "5xx", int(served.status >= 500), dimensions)
    metrics.add(NAMESPACE, "Latency", round(served.duration_ms, 2), dimensions, unit="Milliseconds")
