"""Something done again and again, in a thread beside other work."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager


@contextmanager
def repeat_in_thread(task: Callable[[], bool], interval_s: float, name: str) -> Iterator[None]:
    """Call `task` every `interval_s` seconds, first after so long, until it is False or the block ends."""
    done = threading.Event()

    def repeat_until_done() -> None:
        while not done.wait(interval_s) and task():
            pass

    thread = threading.Thread(target=repeat_until_done, name=name, daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()
