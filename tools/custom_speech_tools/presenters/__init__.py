"""From what the service says to what a tool answers: one module per kind of entity, with its result models."""
