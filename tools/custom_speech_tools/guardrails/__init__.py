"""The rules: pure functions from facts to findings, and the plans that run them."""
