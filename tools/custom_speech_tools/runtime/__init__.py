"""Execution of tool calls: parameters, context, confirmation, idempotency, and building blocks of results."""
