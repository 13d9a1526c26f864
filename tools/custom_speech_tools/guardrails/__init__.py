"""The guardrails: facts are fetched, pure rules turn them into findings, and a plan holds what nothing blocks.

A module has these in this order, after the arguments of its tool; training has a module for each, as it is too long.
"""
