"""The domain of orders: pure decisions over dataclasses, without AWS, clock, environment or logger."""
