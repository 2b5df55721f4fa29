"""Search spaces: distributions, conditional branches, and the shipped studies (``*.yaml``)."""
