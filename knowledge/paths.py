"""Where derived files live on the user's machine."""

import os
from pathlib import Path

from platformdirs import user_cache_path

CACHE_VARIABLE = "ICD_AGENT_CACHE"


def cache_dir(*parts: str) -> Path:
    """Return (and create) a folder below the cache; ``ICD_AGENT_CACHE`` overrides its place.

    Everything in it can be deleted and is made or fetched anew.
    """
    root = os.environ.get(CACHE_VARIABLE)
    folder = (Path(root) if root else user_cache_path("icd-agent")).joinpath(*parts)
    folder.mkdir(parents=True, exist_ok=True)
    return folder
