"""Runs TensorBoard on a log directory until Ctrl-C, on the first free port.

python -m demo.serve LOGDIR [--port 6006]
"""

from __future__ import annotations

import argparse
import contextlib
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request

PORTS_TRIED = 20
SECONDS_TO_START = 60


def free_port(first: int) -> int:
    """The first port from `first` on at which nothing listens."""
    for port in range(first, first + PORTS_TRIED):
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(("127.0.0.1", port))
            return port
    last = first + PORTS_TRIED - 1
    raise SystemExit(f"no free port from {first} to {last}; name one with --port")


def wait_until_it_answers(server: subprocess.Popen[bytes], url: str) -> None:
    deadline = time.monotonic() + SECONDS_TO_START
    while server.poll() is None and time.monotonic() < deadline:
        with contextlib.suppress(urllib.error.URLError, OSError):
            urllib.request.urlopen(url, timeout=5).close()
            return
        time.sleep(0.2)
    server.terminate()
    raise SystemExit("TensorBoard did not start")


def serve(log_dir: str, port: int) -> None:
    address = f"http://localhost:{port}/"
    command = [sys.executable, "-m", "tensorboard.main", "--logdir", log_dir]
    server = subprocess.Popen([*command, "--host", "127.0.0.1", "--port", str(port)])
    try:
        wait_until_it_answers(server, f"http://127.0.0.1:{port}/data/environment")
        print(f"\n  Activations tab: {address}#activations\n  Ctrl-C ends it.\n", flush=True)
        server.wait()
    except KeyboardInterrupt:
        print()
    finally:
        server.terminate()
        server.wait()


def main() -> None:
    parser = argparse.ArgumentParser(prog="demo.serve", description=__doc__.splitlines()[0])
    parser.add_argument("log_dir")
    parser.add_argument("--port", type=int, default=6006, help="the first port to try")
    options = parser.parse_args()
    # A polite kill ends TensorBoard too.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    serve(options.log_dir, free_port(options.port))


if __name__ == "__main__":
    main()
