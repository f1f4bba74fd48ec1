"""Metrics and alarms, as CloudWatch keeps and judges them."""
