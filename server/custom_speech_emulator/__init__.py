"""A stand-in for the Azure Speech-to-text REST API on this machine."""
