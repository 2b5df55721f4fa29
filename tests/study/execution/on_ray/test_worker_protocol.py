"""What a driver and its workers hand each other."""

from __future__ import annotations

from study.execution.on_ray.worker_protocol import (
    Reported,
    WorkerConfig,
    open_config,
    seal_config,
)


def test_training_waits_for_an_answer_after_every_epoch_but_its_last() -> None:
    assert Reported({"epoch": 1, "last": False}).awaits_answer
    assert not Reported({"epoch": 2, "last": True}).awaits_answer


def test_a_configuration_is_one_text_for_tune() -> None:
    config: WorkerConfig = {
        "assignment": '{"trial": 3}',
        "checkpoints": "c",
        "stderr": "e",
        "output": "o",
        "kept": "k",
        "cpus": 1,
        "gpus": 0.5,
        "resources": {"CPU": 1, "GPU": 0.5},
        "workers": 2,
        "heartbeat_s": 300,
        "hang_without_heartbeat": True,
        "limit_s": None,
        "data_dir": None,
        "run": "",
        "path": ["/a"],
        "best_by": None,
        "objectives": ["loss"],
        "poll_s": 2.0,
    }
    sealed = seal_config(config)
    assert [type(value) for value in sealed.values()] == [str]
    assert open_config(sealed) == config
