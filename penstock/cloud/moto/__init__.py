"""Repairs of moto beyond its tables: what it does otherwise than AWS, or too slowly, in one place for one version."""
