"""Study files that several tests of this folder start from."""

from __future__ import annotations

import textwrap
from typing import Any

EXAMPLE = textwrap.dedent("""\
    study: googlenet-norm-lr
    question: What do batch-norm placement and optimizer do to GoogLeNet's accuracy in 30 epochs?
    objective: {metric: val_accuracy, direction: maximize}
    points: 40
    replicates: 2
    concurrency: 4
    resources: {cpus: 2, gpus: 0.25}
    sampler: {name: tpe, seed: 0}
    pruner: {name: asha, min_epochs: 3, reduction: 3}
    stop: {wall_hours: 12}
    trial: {hours: 2, heartbeat_s: 300, retries: {node: 10, error: 0, out_of_memory: 1}}
    keep_checkpoints: best
    reproducible: true
    recipe:
      model: {name: googlenet}
      data: {name: cifar10, batch_size: 128, validation: {fraction: 0.1}}
      epochs: 30
    space:
      model: {norm: {choice: [none, every_conv, every_conv_and_block]}}
      optimizer:
        one_of:
          sgd:  {lr: {log: [1e-3, 1]}, momentum: {uniform: [0, 0.99]}, nesterov: true}
          adam: {lr: {log: [1e-5, 1e-2]}}
      schedule: {one_of: {constant: {}, cosine: {warmup_epochs: {int: [0, 5]}}}}
      precision: {choice: [fp32, bf16]}
      accumulation: {choice: [1, 2, 4]}
    roles: {scientific: [model.norm, optimizer.name], nuisance: [optimizer.lr, optimizer.momentum, schedule]}
    mode: method-study
    racing: {threshold: 0.05}
    confirm: {top: 3, replicates: 5, against: first[0]}
    warm_start: [googlenet-lr]
    first:
      - set: {model.norm: none, optimizer: {name: adam, lr: 1e-3, weight_decay: 5e-4}, epochs: 101}
        published:
          - {epoch: 11, label: "10", test_accuracy: 0.4889, seconds: 1054}
          - {epoch: 101, label: "100", test_accuracy: 0.7562, seconds: 9649}
    """)


def small(**keys: Any) -> dict[str, Any]:
    """The tree of a small study with other keys laid over it."""
    return {"study": "s", "points": 4, "space": {"optimizer": {"lr": {"log": [1e-3, 1]}}}} | keys
