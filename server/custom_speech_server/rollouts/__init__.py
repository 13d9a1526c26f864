"""Rollouts from a file: reading it, and carrying it out until it is finished."""
