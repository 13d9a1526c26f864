"""HTTP: requests, responses, errors, links, lists and versions of the API."""
