"""Logs, traces and metrics, as the operator asks for them."""
