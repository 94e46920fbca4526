"""How a server logs its own defects: where they came up, without their text."""

import sys
import traceback


def report_defect(error: Exception) -> None:
    """Write the frames of an exception to standard error.

    The text of an exception may quote a note, so only its class is told.
    """
    frames = "".join(traceback.format_tb(error.__traceback__))
    sys.stderr.write(f"{type(error).__name__} in:\n{frames}")
