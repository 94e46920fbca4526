"""Where files live on the user's machine: derived ones, and those of her work."""

import os
from pathlib import Path

from platformdirs import user_cache_path, user_data_path

CACHE_VARIABLE = "ICD_AGENT_CACHE"
DATA_VARIABLE = "ICD_AGENT_DATA"


def cache_dir(*parts: str) -> Path:
    """Return (and create) a folder below the cache; ``ICD_AGENT_CACHE`` overrides its place.

    Everything in it can be deleted and is made or fetched anew.
    """
    root = os.environ.get(CACHE_VARIABLE)
    folder = (Path(root) if root else user_cache_path("icd-agent")).joinpath(*parts)
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def data_dir() -> Path:
    """Return the folder of the user's own work; ``ICD_AGENT_DATA`` overrides its place.

    It holds health data and nothing makes it anew. It is not created here.
    """
    root = os.environ.get(DATA_VARIABLE)
    return Path(root) if root else user_data_path("icd-agent")
