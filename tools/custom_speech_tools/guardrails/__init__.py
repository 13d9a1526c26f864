"""Guardrails: the conditions of every change.

For each kind of change, `X_facts` fetches the facts, and `X_plan` has the rules and the plan; training has a module of
its own for the rules. Rules of several plans are in `shared_rules`. Other modules read and check what users pass, such
as references, files and URLs, or judge an evaluation.
"""
