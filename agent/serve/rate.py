"""Token buckets: how many requests a client may make."""

import math
import time
from collections import OrderedDict
from collections.abc import Callable

_REMEMBERED = 10_000  # clients; the one not heard of for longest is forgotten first


class RateLimit:
    """A bucket a client, full at first; each request takes one, and time fills it again.

    Args:
        per_minute: Requests that a minute allows, and that a full bucket holds.
        clock: Seconds, never going back.
    """

    def __init__(self, per_minute: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._capacity = per_minute
        self._clock = clock
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def wait(self, client: str) -> int:
        """Take one from the client's bucket; return 0, or the whole seconds until there is one."""
        now = self._clock()
        left, seen = self._buckets.pop(client, (float(self._capacity), now))
        left = min(self._capacity, left + (now - seen) * self._capacity / 60)
        served = left >= 1
        self._buckets[client] = (left - served, now)
        if len(self._buckets) > _REMEMBERED:
            self._buckets.popitem(last=False)
        return 0 if served else math.ceil((1 - left) * 60 / self._capacity)
