"""Rollouts: one tested model on many resources, for the tool roll_out and the command rollout alike.

- request: what is asked for; training: the model of a rollout file
- target: what a resource has of the model; gate: the test before it goes anywhere
- plan: all of it together, with what the user has to agree to; execution: the steps; results: what is shown
"""
