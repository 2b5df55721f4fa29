"""How what a user writes is validated with pydantic, and how its faults are told."""
