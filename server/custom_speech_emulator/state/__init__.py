"""The state: entities, accounts, the clock, and the progress of simulated work."""
