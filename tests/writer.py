"""A process that logs until it is killed: `python writer.py DIRECTORY FIRST_STEP`.

Each step of `conv` holds the number of the step in every value. A step is printed once its record
is flushed, so that the reader of the output knows what must not be lost. Every record's step goes
up by one; a writer that restarts begins a few steps before the last one it knows of.
"""

import sys
import time

import numpy as np

from tb_activations import record
from tb_activations.eventfile.event import activation_event
from tb_activations.eventfile.writer import EventWriter
from tb_activations.record import metadata

SHAPE = (2, 24, 24, 8)


def main(directory: str, first: int) -> None:
    of_tag = metadata.summary_metadata(order=0)
    with EventWriter(directory) as writer:
        step = first
        while True:
            values = np.full(SHAPE, step, np.float32) + np.arange(SHAPE[-1], dtype=np.float32)
            blobs = record.encode(values, precision="float32", compression=step % 2)
            writer.write(activation_event("conv", blobs, step, time.time(), of_tag))
            print(step, flush=True)
            step += 1


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
