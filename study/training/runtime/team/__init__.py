"""Several processes, the workers, that train one model together."""
