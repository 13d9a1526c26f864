"""The state: entities, accounts, clock, quotas and progress."""
