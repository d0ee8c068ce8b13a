"""The read-only JSON API for other systems, `/api/v1`, with its OpenAPI document."""
