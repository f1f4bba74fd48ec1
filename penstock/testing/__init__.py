"""Tests of an application against its own template: a pytest plugin with one fixture, ``application``.

``plugin.py`` is what pytest loads, and it imports nothing heavy; ``application_under_test.py`` is what a test holds.
"""

from penstock.testing.application_under_test import ApplicationUnderTest

__all__ = ["ApplicationUnderTest"]
