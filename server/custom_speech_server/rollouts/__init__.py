"""Rollouts from a file: reading it, previewing it, carrying it out, and its history."""
