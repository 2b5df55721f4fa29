"""Several studies on one cluster: how it is divided, who divides it, and what a driver does."""
