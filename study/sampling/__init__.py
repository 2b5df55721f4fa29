"""What Optuna is asked and told: proposals, stop decisions, and the clock that makes both
reproducible.
"""
