"""Packaging of tb_activations: the Python package and the built dashboard inside it."""

from pathlib import Path

from setuptools import find_packages, setup

HERE = Path(__file__).parent
BUNDLE = HERE / "tb_activations" / "static" / "index.js"

if not BUNDLE.is_file():
    raise SystemExit(
        f"setup.py: the dashboard's bundle {BUNDLE} is missing; "
        "build it with `npm ci && npm run build` in frontend/"
    )

TENSORFLOW = ["tensorflow>=2.18"]

setup(
    name="tb-activations",
    version="0.1.0",
    description="A TensorBoard dashboard for the activations of every layer, at every step, as real values",
    long_description=(HERE / "README.md").read_text(encoding="utf-8"),
    long_description_content_type="text/markdown",
    license="Apache-2.0",
    python_requires=">=3.11",
    packages=find_packages(include=["tb_activations", "tb_activations.*"]),
    package_data={"tb_activations": ["static/*.js", "py.typed"]},
    install_requires=[
        "tensorboard>=2.18",
        "numpy>=1.26",
        "pillow>=10",
        "protobuf>=4.25",
        "werkzeug>=3.0",
        "google-crc32c>=1.5",
    ],
    extras_require={
        "tensorflow": TENSORFLOW,
        "dev": [
            "hypothesis",
            "mypy",
            "playwright",
            "pytest",
            "ruff",
            "scikit-image",
            "scikit-learn",
        ],
    },
    entry_points={
        "tensorboard_plugins": ["activations = tb_activations.loader:ActivationsLoader"],
    },
)
