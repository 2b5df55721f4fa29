"""What the settings do: effects, interactions, importance."""
