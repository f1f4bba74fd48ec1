"""Defining the resources of a template in the embedded cloud: one small provisioner a resource type."""

from penstock.cloud.provisioning.registry import provision

__all__ = ["provision"]
