"""The MCP tools: each module of this package is a tool, and the packages contain what tools share.

- presenters: the tool results
- rollout: plan and execution of rollouts
- guardrails: facts, rules and plans of changes
- runtime: the execution of tool calls
- speech: the typed client of the REST API
"""
