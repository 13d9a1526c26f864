"""Guardrails: the checks before every change.

For each kind of change, `X_facts` fetches the facts, and `X_plan` has the rules, the plan and its requests;
`training_rules` has the rules of training, and `shared_rules` those of several plans. Other modules check references,
files, URLs and results.
"""
