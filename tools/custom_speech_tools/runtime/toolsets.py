"""The toolsets by which an operator narrows the list of tools; the command line reads them before anything heavy."""

TOOLSETS = ("models", "data", "quality", "deployment", "lifecycle")
