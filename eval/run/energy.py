"""The energy that a process takes; needs codecarbon: ``pip install icd-agent[energy]``.

codecarbon reads the counters of processor, memory and accelerators, and where the machine hides
them it estimates from the load and the processor's power. Its offline tracker sends nothing.
"""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager

# Only its grid's emissions depend on the country, and those are not reported.
_COUNTRY = "USA"


@contextmanager
def measured_energy() -> Iterator[Callable[[], float | None]]:
    """Measure a block; what it yields tells its energy in kWh, None without codecarbon."""
    try:
        from codecarbon import OfflineEmissionsTracker
    except ImportError:
        yield lambda: None
        return
    # It says that it starts before it heeds the level that it is given.
    logging.getLogger("codecarbon").setLevel(logging.ERROR)
    tracker = OfflineEmissionsTracker(
        country_iso_code=_COUNTRY,
        tracking_mode="process",
        save_to_file=False,
        log_level="error",
        allow_multiple_runs=True,
    )
    tracker.start()
    try:
        yield lambda: float(tracker.final_emissions_data.energy_consumed)
    finally:
        tracker.stop()
