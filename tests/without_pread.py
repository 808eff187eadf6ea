"""`python without_pread.py SCRIPT …`: runs a script where `os` lacks what Windows lacks of it."""

import os
import runpy
import sys

for name in ("pread", "preadv", "O_CLOEXEC", "posix_fadvise"):
    if hasattr(os, name):
        delattr(os, name)

if __name__ == "__main__":
    sys.argv = sys.argv[1:]
    runpy.run_path(sys.argv[0], run_name="__main__")
