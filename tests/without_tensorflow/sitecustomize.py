"""On PYTHONPATH, makes an interpreter one on which TensorFlow and Keras are not installed."""

import sys

sys.modules["tensorflow"] = None  # what an import of it then raises is ModuleNotFoundError
sys.modules["keras"] = None
