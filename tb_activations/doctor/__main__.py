"""The command line: prints the report, and exits with 1 where a line of it begins with `!`."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence

from tb_activations.doctor.installed import installed
from tb_activations.doctor.line import Line, wrong

EPILOG = (
    "Exits with 0 where nothing is wrong, 1 where something has to be done (its lines begin with "
    "!), 2 where the arguments are wrong."
)


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m tb_activations.doctor",
        description="Says what is installed, and what the tab will show of a log directory.",
        epilog=EPILOG,
    )
    parser.add_argument("log_dir", nargs="?", help="as for tensorboard --logdir")
    options = parser.parse_args(arguments)
    lines = [Line("What is installed"), *installed()]
    if options.log_dir is not None:
        lines += [Line(""), Line(f"What will be seen of {options.log_dir}")]
        lines += _seen(options.log_dir)
    troubles = sum(line.wrong for line in lines)
    for line in lines:
        print(str(line).rstrip())
    print(f"\n{troubles} to be looked at (!)" if troubles else "\nNothing is wrong.")
    return 1 if troubles else 0


def _seen(log_dir: str) -> Iterator[Line]:
    try:
        from tb_activations.doctor.seen import seen
    except ImportError as e:
        yield wrong(f"no log can be read before what is missing is installed: {e}")
        return
    yield from seen(log_dir)


if __name__ == "__main__":
    sys.exit(main())
