"""How every function connects to AWS: short timeouts and few tries, so that a hung call cannot eat an invocation."""

from botocore.config import Config

CONNECTION = Config(
    connect_timeout=2,
    read_timeout=8,
    retries={"mode": "standard", "total_max_attempts": 3},
    tcp_keepalive=True,
)
"""Our choice: three tries without an answer end within the 30 s of an invocation. botocore alone waits 60 s for an
answer and tries five times. The mapping or the queue behind a function retries as well, with the records in hand, so
giving up early loses nothing."""

THROTTLED = frozenset({"ProvisionedThroughputExceededException", "RequestLimitExceeded", "ThrottlingException"})
"""Error codes of a table that is busy for the moment, once boto3 gave up (source: "Error handling with DynamoDB")."""
