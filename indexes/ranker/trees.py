"""LightGBM, imported where it is used, with a clear word where its runtime library is missing."""

import importlib
from types import ModuleType

from knowledge.errors import UserError


def lightgbm() -> ModuleType:
    """Return the library.

    Raises:
        UserError: The OpenMP runtime that its wheel expects of the system is not installed.
    """
    try:
        return importlib.import_module("lightgbm")
    except OSError as error:
        raise UserError(
            f"LightGBM, which the ranker is made of, cannot be loaded: {error}.",
            fix="install OpenMP (Debian: apt install libgomp1; macOS: brew install libomp)",
        ) from error
