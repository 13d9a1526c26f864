"""The rules: pure functions from facts to findings, and the plans that fetch the facts and run the rules."""
