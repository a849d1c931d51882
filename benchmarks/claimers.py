"""Processes that ask the ledger for keys at once, as workers do at the tick."""

from __future__ import annotations

import multiprocessing
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

ANSWER_SECONDS = 300.0
SHARED = 10
"""One in so many of a process's keys is asked for by its neighbour, too: those have two who want them."""


@dataclass(frozen=True)
class Round:
    """What came of one round.

    Attributes:
        seconds: From the common start until the last process was through.
        per_s: Keys per second.
        claim_ms, finish_ms: How long each call took.
    """

    seconds: float
    per_s: float
    claim_ms: list[float]
    finish_ms: list[float]


Ask = Callable[[str, int, bool], Round]


def key_of(round_name: str, number: int) -> Any:
    """Return the key of one of many pieces of work."""
    from pipelines.engine.keys import TaskKey

    rows = [["0" * 64, [0, 1, 2]]]
    return TaskKey(pipeline="flights", step="score", partition=f"{round_name}#{number}", inputs={"rows": rows})


@contextmanager
def claimers(url: str, processes: int) -> Iterator[Ask]:
    """Start processes; give a function that lets all of them ask for the same new keys.

    It takes the name of the round, how many keys there are, and whether each is finished, too; it raises RuntimeError if a
    key is won by nobody, or by more than one process.
    """
    spawn = multiprocessing.get_context("spawn")
    orders, answers = [spawn.Queue() for _ in range(processes)], spawn.Queue()
    started = [
        spawn.Process(target=_work, args=(url, number, processes, orders[number], answers), daemon=True)
        for number in range(processes)
    ]
    for process in started:
        process.start()

    def ask(round_name: str, count: int, finishing: bool) -> Round:
        start = time.time() + 0.2
        for each in orders:
            each.put((round_name, count, finishing, start))
        given = [answers.get(timeout=ANSWER_SECONDS) for _ in started]
        won = sorted(number for numbers, *_ in given for number in numbers)
        if won != list(range(count)):
            raise RuntimeError(f"{count} keys were won {len(won)} times; expected each once")
        seconds = max(ended for _, ended, _, _ in given) - start
        claim_ms = [took for _, _, claims, _ in given for took in claims]
        finish_ms = [took for _, _, _, finishes in given for took in finishes]
        return Round(seconds, count / seconds, claim_ms, finish_ms)

    try:
        for _ in started:
            answers.get(timeout=ANSWER_SECONDS)  # it has imported what it needs
        yield ask
    finally:
        for process in started:
            process.terminate()
            process.join()


def _work(url: str, process: int, processes: int, orders: Any, answers: Any) -> None:
    """Ask for a share of the keys, and for a part of the next process's."""
    from pipelines.engine.ledger.store import Ledger
    from pipelines.engine.ledger.values import Claimed

    ledger = Ledger(url)
    ledger.claim(key_of("warm up", -1 - process), holder=f"benchmark-{process}")
    answers.put(None)
    while True:
        round_name, count, finishing, start = orders.get()
        wanted = _wanted(process, processes, count)
        keys = [key_of(round_name, number) for number in wanted]
        won: list[int] = []
        claim_ms: list[float] = []
        finish_ms: list[float] = []
        time.sleep(max(0.0, start - time.time()))
        for number, key in zip(wanted, keys, strict=True):
            began = time.perf_counter()
            claim = ledger.claim(key, holder=f"benchmark-{process}")
            claim_ms.append((time.perf_counter() - began) * 1000)
            if isinstance(claim, Claimed):
                won.append(number)
                if finishing:
                    began = time.perf_counter()
                    ledger.finish(claim, {"rows_in": 30_000, "histogram": list(range(20))})
                    finish_ms.append((time.perf_counter() - began) * 1000)
        answers.put((won, time.time(), claim_ms, finish_ms))


def _wanted(process: int, processes: int, count: int) -> list[int]:
    share = count // processes
    first, end = process * share, count if process == processes - 1 else (process + 1) * share
    return [*range(first, end), *(number % count for number in range(end, end + share // SHARED))]
