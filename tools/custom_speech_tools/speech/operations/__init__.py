"""The operations of the REST API, grouped as the specification groups them, each named after Azure's operation."""
