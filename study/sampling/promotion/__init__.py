"""How trials that wait are promoted: the rules, and the standings that they look at."""
