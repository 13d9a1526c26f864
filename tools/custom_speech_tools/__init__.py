"""The tools: a file is a tool, a folder is what tools share.

- runtime: what every call goes through: parameters, context, confirmation, idempotency, results
- guardrails: the rules, pure functions from facts to findings, and the plans that run them
- speech: the typed client of the REST API
"""
