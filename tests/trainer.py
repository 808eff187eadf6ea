"""A process that trains with the callback: `python trainer.py LOG_DIR EPOCHS [BYTES]`.

Prints `epoch N` once the records of that epoch are on disk, `warning …` for every warning, and
`trained` at the end. BYTES limits the size of any file that it writes (as a full disk would).
After each epoch that TBA_STOPS names, as in "5,50", it waits for a line on its stdin: what the test
does to the disk is then done between two epochs, however fast or slow either of them is.
"""

import os
import resource
import signal
import sys
import warnings

import keras
import numpy as np

import tb_activations as tba


class Tells(keras.callbacks.Callback):
    def __init__(self, callback):
        super().__init__()
        self.callback = callback
        self.stops = [int(epoch) for epoch in os.environ.get("TBA_STOPS", "").split(",") if epoch]

    def on_epoch_end(self, epoch, logs=None):
        self.callback.flush()
        print(f"epoch {epoch + 1}", flush=True)
        if epoch + 1 in self.stops:
            sys.stdin.readline()


def main(log_dir, epochs, limit=None):
    warnings.showwarning = lambda message, *_: print("warning", message, flush=True)
    warnings.simplefilter("always")
    if limit is not None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
    rng = np.random.default_rng(0)
    x, y = rng.random((64, 16, 16, 1), "float32"), np.arange(64) % 10
    model = keras.Sequential(
        [
            keras.Input((16, 16, 1)),
            keras.layers.Conv2D(16, 3, activation="relu", name="conv"),
            keras.layers.Flatten(),
            keras.layers.Dense(10, activation="softmax", name="dense"),
        ]
    )
    model.compile("adam", "sparse_categorical_crossentropy")
    watch = tba.ActivationsCallback(log_dir, (x, y), verbose=0)
    model.fit(x, y, epochs=epochs, verbose=0, callbacks=[watch, Tells(watch)])
    print("trained", flush=True)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), *map(int, sys.argv[3:]))
