"""Rollouts: test a model on its resource and copy it to many others, for the tool roll_out and the command rollout.

- definition: the requested rollout; model: its model, including the training of a new one
- target: the state of a target resource; gate: the test that the model must pass before it is copied
- plan: the checked state and the question to the user; execution: the steps that change Azure
"""
