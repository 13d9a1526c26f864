"""Tool results: one module per kind of entity, with its result models and their presentation."""
