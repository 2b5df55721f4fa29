"""From a batch to an update: loss, gradient accumulation, precision, optimizers and schedules.

To add an optimizer: its section in ``study.training.recipe.optimizers`` and its class in
``optimizers``. To add a schedule: its section in ``study.training.recipe.schedules`` and its
formula in ``curves`` (if it follows a metric, also its class in ``metric_factors``).
"""
