"""Faults on request: which requests fail, when, and how."""
