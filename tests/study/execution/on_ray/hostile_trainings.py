"""Training functions that misbehave, and a witness of the process that comes after them."""

from __future__ import annotations

import atexit
import builtins
import contextlib
import ctypes
import faulthandler
import gc
import json
import locale
import logging
import os
import random
import signal
import subprocess
import sys
import tempfile
import threading
import time
import warnings
from typing import Any

import numpy as np
import torch

import study


def witness(config: dict[str, Any], session: study.Session) -> None:
    """Reports numbers that depend on the process's state, and prints that state."""
    model = torch.nn.Sequential(torch.nn.Linear(8, 8), torch.nn.Dropout(0.5), torch.nn.Linear(8, 1))
    optimizer = torch.optim.Adam(model.parameters())
    saved = session.restore()
    if saved:
        model.load_state_dict(saved["model"])
        optimizer.load_state_dict(saved["optimizer"])
    for _ in range(session.epoch, 2):
        inputs = torch.randn(16, 8) + random.random() + np.random.rand()
        loss = (model(inputs) ** 2).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        session.report(
            {"loss": loss}, state={"model": model.state_dict(), "optimizer": optimizer.state_dict()}
        )
    print("state:", json.dumps(process_state(), sort_keys=True))


def process_state() -> dict[str, Any]:
    """Everything of a process that a function could have left behind."""
    umask = os.umask(0)
    os.umask(umask)
    files = {os.path.realpath(f"/proc/self/fd/{each}") for each in os.listdir("/proc/self/fd")}
    return {
        "folder": os.getcwd(),
        "umask": umask,
        "environment": sorted(item for item in os.environ.items() if "PYTEST" not in item[0]),
        "signals": [str(signal.getsignal(each)) for each in (2, 10, 12, 15)],
        "threads": threading.active_count(),
        "native threads": len(os.listdir("/proc/self/task")),
        "dtype": str(torch.get_default_dtype()),
        "device": str(torch.get_default_device()),
        "torch threads": torch.get_num_threads(),
        "grad": torch.is_grad_enabled(),
        "anomaly": torch.is_anomaly_enabled(),
        "deterministic": torch.are_deterministic_algorithms_enabled(),
        "precision": torch.get_float32_matmul_precision(),
        "mkldnn": torch.backends.mkldnn.enabled,
        "filters": len(warnings.filters),
        "handlers": [str(handler) for handler in logging.getLogger().handlers],
        "level": logging.getLogger().level,
        "path": sys.path,
        "modules": "left_behind" in sys.modules,
        "streams": [type(sys.stdout).__name__, type(sys.stderr).__name__],
        "recursion": sys.getrecursionlimit(),
        "collector": gc.isenabled(),
        "locale": str(locale.getlocale()),
        "len": len is builtins.len and len("ab"),
        "time": time.sleep.__name__,
        "faults": faulthandler.is_enabled(),
        "pipes and files": len([file for file in files if "left_behind" in file]),
    }


class _Mute(Exception):
    def __str__(self) -> str:
        raise RuntimeError("no text")


def one_report(session: study.Session) -> None:
    session.report({"loss": 1.0}, state={"epoch": 1})


# --- how a function may end: each has its class ---


def os_exit(config: dict[str, Any], session: study.Session) -> None:
    os._exit(0)


def sys_exit(config: dict[str, Any], session: study.Session) -> None:
    sys.exit(0)


def system_exit_in_a_thread(config: dict[str, Any], session: study.Session) -> None:
    thread = threading.Thread(target=lambda: os._exit(5))
    thread.start()
    thread.join()


def keyboard_interrupt(config: dict[str, Any], session: study.Session) -> None:
    raise KeyboardInterrupt


def interrupts_itself(config: dict[str, Any], session: study.Session) -> None:
    os.kill(os.getpid(), signal.SIGINT)
    time.sleep(60)


def terminates_itself(config: dict[str, Any], session: study.Session) -> None:
    os.kill(os.getpid(), signal.SIGTERM)


def kills_itself(config: dict[str, Any], session: study.Session) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def kills_its_group(config: dict[str, Any], session: study.Session) -> None:
    os.killpg(0, signal.SIGKILL)


def segfault(config: dict[str, Any], session: study.Session) -> None:
    ctypes.string_at(0)


def aborts(config: dict[str, Any], session: study.Session) -> None:
    os.abort()


def generator_exit(config: dict[str, Any], session: study.Session) -> None:
    raise GeneratorExit


def stop_iteration(config: dict[str, Any], session: study.Session) -> None:
    raise StopIteration


def mute_error(config: dict[str, Any], session: study.Session) -> None:
    raise _Mute


def long_error(config: dict[str, Any], session: study.Session) -> None:
    raise ValueError("x" * 30_000_000)


def chained_errors(config: dict[str, Any], session: study.Session) -> None:
    error = ValueError("first")
    for number in range(100_000):
        following = ValueError(str(number))
        following.__cause__ = error
        error = following
    raise error


def no_unicode(config: dict[str, Any], session: study.Session) -> None:
    raise RuntimeError("no such file: caf\udce9.png")


def memory_error(config: dict[str, Any], session: study.Session) -> None:
    raise MemoryError


def too_much_memory(config: dict[str, Any], session: study.Session) -> None:
    torch.empty(2**60, dtype=torch.uint8)


def gpu_memory(config: dict[str, Any], session: study.Session) -> None:
    raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.")


def recursion(config: dict[str, Any], session: study.Session) -> None:
    recursion(config, session)


def stopped_by_itself(config: dict[str, Any], session: study.Session) -> None:
    raise study.Stopped


def not_a_number(config: dict[str, Any], session: study.Session) -> None:
    with contextlib.suppress(BaseException):
        session.report({"loss": float("nan")})


def no_report(config: dict[str, Any], session: study.Session) -> None:
    pass


def other_metrics(config: dict[str, Any], session: study.Session) -> None:
    session.report({"accuracy": 0.5})


def forgets_its_files(config: dict[str, Any], session: study.Session) -> None:
    os.closerange(0, 1000)
    session.report({"loss": 1.0})


def hangs_up(config: dict[str, Any], session: study.Session) -> None:
    os.closerange(0, 1000)
    threading.Event().wait()


def kills_its_parent(config: dict[str, Any], session: study.Session) -> None:
    os.kill(os.getppid(), signal.SIGKILL)
    time.sleep(60)


def poisons_libraries(config: dict[str, Any], session: study.Session) -> None:
    one_report(session)
    time.sleep = None  # type: ignore[assignment]
    json.dumps = None  # type: ignore[assignment]
    torch.get_num_threads = None
    builtins.len = lambda *things: 0  # type: ignore[assignment]


# --- what a function may do to its process, and return ---


def prints(config: dict[str, Any], session: study.Session) -> None:
    print("from python")
    print("to stderr", file=sys.stderr)
    os.write(1, b"raw \xff bytes\n")
    ctypes.CDLL(None).puts(b"from C")
    subprocess.run(["echo", "from a child"], check=True)
    print("x" * 5_000_000)
    print("the end")
    one_report(session)


def replaces_streams(config: dict[str, Any], session: study.Session) -> None:
    sys.stdout.close()
    sys.stderr = open(os.devnull, "w")  # noqa: SIM115
    os.close(1)
    one_report(session)


def changes_folders(config: dict[str, Any], session: study.Session) -> None:
    gone = tempfile.mkdtemp()
    os.chdir(gone)
    os.rmdir(gone)
    os.umask(0o777)
    os.environ.clear()
    os.environ["LEFT_BEHIND"] = "1"
    one_report(session)


def changes_torch(config: dict[str, Any], session: study.Session) -> None:
    torch.set_default_dtype(torch.float64)
    torch.set_default_device("meta")
    torch.set_num_threads(7)
    torch.set_grad_enabled(False)
    torch.autograd.set_detect_anomaly(True)
    torch.use_deterministic_algorithms(True)
    torch.set_float32_matmul_precision("medium")
    torch.set_flush_denormal(True)
    torch.backends.mkldnn.enabled = False
    torch.inference_mode(True).__enter__()
    torch.manual_seed(1)
    one_report(session)


def changes_python(config: dict[str, Any], session: study.Session) -> None:
    warnings.simplefilter("error")
    logging.basicConfig(level=1, force=True)
    sys.path.clear()
    sys.modules["left_behind"] = sys
    sys.setrecursionlimit(200)
    gc.disable()
    random.seed(1)
    np.random.seed(1)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    signal.signal(signal.SIGABRT, signal.SIG_IGN)
    faulthandler.disable()
    with contextlib.suppress(locale.Error):
        locale.setlocale(locale.LC_ALL, "C")
    one_report(session)


def leaves_threads(config: dict[str, Any], session: study.Session) -> None:
    for is_daemon in (True, True, False):
        threading.Thread(target=threading.Event().wait, daemon=is_daemon).start()
    one_report(session)


def leaves_an_ending(config: dict[str, Any], session: study.Session) -> None:
    atexit.register(threading.Event().wait)
    one_report(session)


def leaves_processes(config: dict[str, Any], session: study.Session) -> None:
    command = ["sleep", "6543.21"]
    subprocess.Popen(command)
    subprocess.Popen(command, start_new_session=True)
    subprocess.Popen(["sh", "-c", "setsid sleep 6543.21 & exit 0"]).wait()
    one_report(session)


def leaves_memory(config: dict[str, Any], session: study.Session) -> None:
    builtins.left_behind = bytearray(200 * 2**20)  # type: ignore[attr-defined]
    one_report(session)


def forks_and_returns(config: dict[str, Any], session: study.Session) -> None:
    if os.fork() == 0:
        return
    one_report(session)


def leaves_files(config: dict[str, Any], session: study.Session) -> None:
    for number in range(100):
        os.open(session.folder / f"left_behind_{number}", os.O_CREAT | os.O_RDWR)
    one_report(session)


# --- silence ---


def holds_the_gil(config: dict[str, Any], session: study.Session) -> None:
    """No other thread of its process runs for the time that ``config`` gives."""
    if config.get("beats"):
        session.heartbeat()
    ctypes.PyDLL(None).usleep(int(config["seconds"] * 1e6))
    one_report(session)


def never_ends(config: dict[str, Any], session: study.Session) -> None:
    session.heartbeat()
    while True:
        with contextlib.suppress(BaseException):
            time.sleep(3600)


def swallows_everything(config: dict[str, Any], session: study.Session) -> None:
    while True:
        with contextlib.suppress(BaseException):
            session.report({"loss": 1.0})


def draws(config: dict[str, Any], session: study.Session) -> None:
    """Each epoch draws a number, and has a state every so many epochs."""
    session.restore()
    for epoch in range(session.epoch + 1, 5):
        has_state = epoch % config["every"] == 0
        session.report({"loss": float(torch.rand(1))}, state={"at": epoch} if has_state else None)


def lingers(config: dict[str, Any], session: study.Session) -> None:
    """Does not end when it is told to."""
    try:
        session.report({"loss": 1.0}, state={"at": 1})
    except study.Stopped:
        time.sleep(3600)
