"""One training of one recipe, with torch and nothing of Ray or Optuna: begin with ``loop``."""
