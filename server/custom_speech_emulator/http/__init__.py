"""HTTP: requests, responses, addresses, filters and API versions."""
