"""Errors of the configuration."""


class ConfigurationError(Exception):
    """The configuration is wrong; `str()` names the place, what is wrong and how to fix it."""
