"""Published trainings at their first milestones, as published as a CPU lets them be."""
