"""Rollouts: one tested model on many resources, for the tool roll_out and the command rollout alike.

- request: the arguments and the rollout file alike; training: the model, if it has to be trained first
- target: the state of one target; gate: the test that the model has to pass before it leaves its resource
- plan: both together, with the question to the user; execution: the steps; results: the answers
"""
