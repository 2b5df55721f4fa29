"""An object store behind a network that takes its time: ``slow_store.py MILLISECONDS``.

Each piece of a request arrives so much later. Prints the store's address, and ends with its input.
"""

from __future__ import annotations

import logging
import socket
import sys
import threading
import time

from moto.server import ThreadedMotoServer


def pass_on(source: socket.socket, sink: socket.socket, delay_s: float) -> None:
    """Pass on all that comes, a while later."""
    try:
        while piece := source.recv(1 << 16):
            time.sleep(delay_s)
            sink.sendall(piece)
        sink.shutdown(socket.SHUT_WR)
    except OSError:
        pass


def serve(listener: socket.socket, store: tuple[str, int], delay_s: float) -> None:
    while True:
        near, _ = listener.accept()
        far = socket.create_connection(store)
        for end in (near, far):
            end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        ways = ((near, far, delay_s), (far, near, 0.0))
        for way in ways:
            threading.Thread(target=pass_on, args=way, daemon=True).start()


def main() -> None:
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    listener = socket.create_server(("127.0.0.1", 0))
    delay_s = float(sys.argv[1]) / 1000
    threading.Thread(
        target=serve, args=(listener, (str(host), int(port)), delay_s), daemon=True
    ).start()
    print(f"http://127.0.0.1:{listener.getsockname()[1]}", flush=True)
    sys.stdin.read()
    server.stop()


if __name__ == "__main__":
    main()
