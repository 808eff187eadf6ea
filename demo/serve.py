"""Runs TensorBoard on a log directory until Ctrl-C, on the first free port.

python -m demo.serve LOGDIR [--port 6006]
"""

from __future__ import annotations

import argparse
import errno
import sys
from collections.abc import Callable
from typing import Any

from tensorboard import default, main_lib, program

PORTS_TRIED = 20
LAST_PORT = 65535


class _Server(program.WerkzeugServer):
    """TensorBoard's own, but that a port which is taken at the last moment does not end us.

    TensorBoard looks whether anybody listens and then takes the port; Werkzeug exits where it is
    too late.
    """

    def server_bind(self) -> None:
        try:
            super().server_bind()
        except OSError as e:
            if e.errno != errno.EADDRINUSE:
                raise
            raise program.TensorBoardPortInUseError(str(e)) from e


def on_first_free_port(first: int) -> Callable[[Any, Any], program.TensorBoardServer]:
    """What TensorBoard makes its server by: on `first` or, as often as one is taken, the next.

    TensorBoard itself takes the port, so that no other program can between a look and its use, and
    what answers at the address is this process. 0 lets the system choose.
    """

    def server(app: Any, flags: Any) -> program.TensorBoardServer:
        last = min(first + PORTS_TRIED - 1, LAST_PORT)
        for flags.port in range(first, last + 1):
            try:
                return _Server(app, flags)
            except program.TensorBoardPortInUseError:
                continue
        raise SystemExit(f"no free port from {first} to {last}; name one with --port")

    return server


def tensorboard(
    log_dir: str, make: Callable[[Any, Any], program.TensorBoardServer]
) -> program.TensorBoard:
    """TensorBoard for a log directory, its server made by `make`; not started yet."""
    main_lib.global_init()
    board = program.TensorBoard(default.get_plugins(), server_class=make)
    board.configure(["tensorboard", "--logdir", log_dir, "--host", "127.0.0.1"])
    return board


def serve(log_dir: str, first: int) -> int:
    """Runs until Ctrl-C or SIGTERM; prints the address as soon as it can be opened."""

    def announced(app: Any, flags: Any) -> program.TensorBoardServer:
        server = on_first_free_port(first)(app, flags)
        address = server.get_url()
        print(f"\n  Activations tab: {address}#activations\n  Ctrl-C ends it.\n", flush=True)
        return server

    try:
        return tensorboard(log_dir, announced).main()
    except KeyboardInterrupt:
        print()
        return 0


def main() -> int:
    parser = argparse.ArgumentParser(prog="demo.serve", description=__doc__.splitlines()[0])
    parser.add_argument("log_dir")
    parser.add_argument("--port", type=int, default=6006, help="the first port to try")
    options = parser.parse_args()
    return serve(options.log_dir, options.port)


if __name__ == "__main__":
    sys.exit(main())
