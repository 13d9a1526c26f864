"""Resources of the API: the kinds of entities and the handlers of their operations."""
