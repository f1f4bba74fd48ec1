"""Permissions: what the template's policies say, what a call asks for, and who is let through."""
