"""One training of one recipe: torch, and nothing of Ray or Optuna."""
