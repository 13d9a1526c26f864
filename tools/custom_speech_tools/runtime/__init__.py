"""What every call of a tool goes through: parameters, context, confirmation, idempotency, results."""
