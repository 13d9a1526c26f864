"""What an assistant can do with Azure custom speech models: a file is a tool, a folder is what tools share.

- call: what every call goes through: arguments, connection, permission, answer
- guardrails: the rules, pure functions from facts to findings, and the plans that run them
- speech: the typed client of the REST API
"""
