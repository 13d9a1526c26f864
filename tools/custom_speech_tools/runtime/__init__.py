"""The path of every call of a tool: parameters, context, confirmation, idempotency, results."""
