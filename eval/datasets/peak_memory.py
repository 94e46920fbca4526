"""The most memory this process has held."""

import sys


def peak_bytes() -> int | None:
    """Return the peak resident set size so far; None where the system does not tell."""
    try:
        import resource
    except ModuleNotFoundError:  # Windows
        return None
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024
