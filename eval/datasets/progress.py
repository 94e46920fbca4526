"""A bar for the long steps of a command, on a terminal alone."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.progress import Progress


class Steps:
    """Steps shown one after the other; without a bar they are silent.

    Args:
        bar: The bar to draw on.
    """

    def __init__(self, bar: "Progress | None" = None) -> None:
        self._bar = bar

    @contextmanager
    def step(self, name: str, total: float | None) -> Iterator[Callable[[float], None]]:
        """Show a step while the block runs; yields the function that advances it."""
        if self._bar is None:
            yield lambda _: None
            return
        bar, task = self._bar, self._bar.add_task(name, total=total)
        yield lambda amount: bar.advance(task, amount)
        bar.remove_task(task)


@contextmanager
def steps_on_terminal() -> Iterator[Steps]:
    """Draw on stderr where that is a terminal."""
    from rich.console import Console
    from rich.progress import Progress

    console = Console(stderr=True)
    if not console.is_terminal:
        yield Steps()
        return
    with Progress(console=console, transient=True) as bar:
        yield Steps(bar)
