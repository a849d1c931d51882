"""Work on a stream with several threads, in bounded memory: results come in the order of what they were made from.

Who takes the results sets the pace. While they are being written nothing new is read, so a slow disk, a slow model and a
slow source all end in the same place: fewer pieces in flight, never more memory.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from functools import cache
from typing import TypeVar

Piece = TypeVar("Piece")
Result = TypeVar("Result")


def in_order(
    pieces: Iterable[Piece],
    work: Callable[[Piece], Result],
    *,
    threads: int,
    size: Callable[[Piece], int],
    most_bytes: int,
) -> Iterator[Result]:
    """Yield `work(piece)` for each piece, in order, while threads work on the next ones.

    Args:
        pieces: Read in the caller's thread, one at a time, only when there is room.
        work: Runs in the threads; what it raises is raised here, and nothing is read after that.
        threads: How many work at a time, at least 1.
        size: Bytes of a piece.
        most_bytes: No piece is read while so many bytes are in flight; one piece always may be.
    """
    waiting: deque[tuple[int, Future[Result]]] = deque()
    in_flight = 0
    with _pool(threads) as pool:
        for piece in pieces:
            taken = size(piece)
            waiting.append((taken, pool.submit(work, piece)))
            in_flight += taken
            while waiting and (in_flight >= most_bytes or len(waiting) > 2 * threads or waiting[0][1].done()):
                taken, future = waiting.popleft()
                yield future.result()
                in_flight -= taken
        while waiting:
            yield waiting.popleft()[1].result()


@contextmanager
def _pool(threads: int) -> Iterator[ThreadPoolExecutor]:
    """Give threads whose libraries start none of their own, and take them back without waiting for what nobody wants."""
    from threadpoolctl import threadpool_limits

    # OpenMP keeps its limit for each thread, BLAS for the process: the initializer sets the one, the block the other.
    with threadpool_limits(limits=1):
        pool = ThreadPoolExecutor(threads, "nightshift-work", initializer=lambda: threadpool_limits(limits=1))
        try:
            yield pool
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


@cache
def cores() -> int:
    """Return how many cores this process may use: of the machine, its affinity, its cgroup, or `LOKY_MAX_CPU_COUNT`."""
    from joblib import cpu_count

    return max(1, int(cpu_count()))
