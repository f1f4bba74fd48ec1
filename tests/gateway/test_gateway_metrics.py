"""What an HTTP API adds to the metrics."""

from penstock.cloud.cloudwatch.metrics import Metrics
from penstock.gateway.gateway import Served
from penstock.gateway.metrics import measure_request


def test_errors_are_rates_of_the_requests() -> None:
    """Every request is a sample of both error metrics, so that their average is a rate."""
    metrics = Metrics(now_ms=lambda: 0)

    for status in (202, 404, 500, 503):
        served = Served(
            method="GET", path="/", route_key=None, status=status, duration_ms=1.234567, request_id=str(status)
        )
        measure_request(metrics, "api", served)

    assert metrics.sum("AWS/ApiGateway", "Count", ApiId="api") == 4
    assert metrics.statistic("Average", "AWS/ApiGateway", "4xx", ApiId="api") == 0.25
    assert metrics.statistic("Average", "AWS/ApiGateway", "5xx", ApiId="api") == 0.5
    assert metrics.statistic("p50", "AWS/ApiGateway", "Latency", ApiId="api") == 1.23
