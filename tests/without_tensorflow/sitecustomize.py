"""On PYTHONPATH, makes an interpreter one on which TensorFlow and Keras are not installed.

Where TBA_CONNECTIONS names a file, each connection that the interpreter opens adds a line to it.
"""

import os
import sys

sys.modules["tensorflow"] = None  # what an import of it then raises is ModuleNotFoundError
sys.modules["keras"] = None

if os.environ.get("TBA_CONNECTIONS"):

    def _note(event, arguments):
        if event in ("socket.connect", "socket.sendto", "http.client.connect", "urllib.Request"):
            with open(os.environ["TBA_CONNECTIONS"], "a", encoding="utf-8") as out:
                out.write(f"{event} {arguments[1:]}\n")

    sys.addaudithook(_note)
