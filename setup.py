"""Packaging of tb_activations: the Python package and the built dashboard inside it."""

import re
import runpy
from pathlib import Path

from setuptools import find_packages, setup

HERE = Path(__file__).parent
# Run, not imported: importing the package would need what it is about to declare.
NAMES = runpy.run_path(str(HERE / "tb_activations" / "names.py"))

for script in (HERE / "tb_activations" / "static" / name for name in NAMES["SCRIPTS"]):
    if not script.is_file():
        raise SystemExit(
            f"setup.py: the dashboard's bundle {script} is missing; "
            "build it with `npm ci && npm run build` in frontend/"
        )

DEMO = ["scikit-learn>=1.3"]
TESTS = [
    "build>=1",
    "fsspec>=2024.2",
    "hypothesis>=6.100",
    "playwright>=1.45",
    "pytest>=8",
    "scikit-image>=0.22",
    "setuptools>=77",
    "wheel",
]
# Where its authors publish wheels: no install needs a compiler. zlib does its work elsewhere.
ISAL = (
    "isal>=1.7.1; platform_python_implementation == 'CPython' and python_version < '3.15' and "
    "(platform_machine == 'x86_64' or platform_machine == 'AMD64' or "
    "platform_machine == 'aarch64' or platform_machine == 'arm64')"
)
# Exact, so that what passes today passes tomorrow.
LINT = ["mypy==2.4.1", "ruff==0.17.6", "vulture==2.16"]

PROJECT_URLS: dict[str, str] = {}  # {"Source": …} once the package is published


def description(urls: dict[str, str]) -> str:
    """The README; where the source has an address, its pictures and links lead there.

    An index of packages shows it without the files beside it.
    """
    text = (HERE / "README.md").read_text(encoding="utf-8")
    source = urls.get("Source", "").rstrip("/")
    if not source:
        return text

    def absolute(found: re.Match[str]) -> str:
        kind = "raw" if found[1].startswith("!") else "blob"
        return f"{found[1]}({source}/{kind}/v{NAMES['VERSION']}/{found[2]})"

    return re.sub(r"(!?\[[^\]]*\])\((?!https?:|#)([^)]+)\)", absolute, text)


setup(
    name="tb-activations",
    version=NAMES["VERSION"],
    description=(
        "A TensorBoard dashboard for the activations of every layer, at every step, as real values"
    ),
    long_description=description(PROJECT_URLS),
    project_urls=PROJECT_URLS,
    long_description_content_type="text/markdown",
    license="Apache-2.0",
    keywords=["tensorboard", "pytorch", "tensorflow", "keras", "activations", "feature maps"],
    classifiers=[
        "Development Status :: 4 - Beta",
        "Intended Audience :: Science/Research",
        "Operating System :: MacOS",
        "Operating System :: POSIX :: Linux",
        "Programming Language :: Python :: 3.11",
        "Programming Language :: Python :: 3.12",
        "Programming Language :: Python :: 3.13",
        "Topic :: Scientific/Engineering :: Visualization",
    ],
    python_requires=">=3.11",
    packages=find_packages(include=["tb_activations", "tb_activations.*"]),
    package_data={"tb_activations": ["static/*.js", "py.typed"]},
    install_requires=[
        "tensorboard>=2.16.2",
        "numpy>=1.26",
        "pillow>=10",
        "protobuf>=4.25.0",
        "werkzeug>=3.0",
        "google-crc32c>=1.6",
        ISAL,
    ],
    extras_require={
        "tensorflow": ["tensorflow>=2.16.2"],
        "torch": ["torch>=2.6"],
        "demo": DEMO,
        "dev": [*DEMO, *TESTS, *LINT],
    },
    entry_points={
        "console_scripts": ["tb-activations = tb_activations.export.cli:main"],
        "tensorboard_plugins": ["activations = tb_activations.loader:ActivationsLoader"],
    },
)
