"""What one epoch of training came to; apart from the training, which needs torch."""

from typing import NamedTuple


class Epoch(NamedTuple):
    """What one epoch came to.

    Attributes:
        number: Counted from 1 over both phases.
        phase: "labels" on the frozen encoder, or "all".
        loss: Mean loss of a note.
        f1: Micro-F1 on the validation notes at their best threshold; nan without such notes.
        threshold: That threshold.
    """

    number: int
    phase: str
    loss: float
    f1: float
    threshold: float
