"""Who is hit at a moment."""

from __future__ import annotations

import os
import signal

from nightshift.drill import orders
from nightshift.drill.aim import Aim, sign
from pipelines.engine.moments import reached


def pass_moment(file) -> tuple[int, int]:
    """Let a process follow the orders and pass a moment; return its number and how it ended."""
    child = os.fork()
    if child == 0:
        orders.follow({orders.VARIABLE: str(file)})
        reached("claimed")
        os._exit(0)
    return child, os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def test_of_several_processes_the_first_is_hit_and_no_other(tmp_path):
    aim = Aim("claimed", "kill")
    orders.give(tmp_path / "orders.json", orders.Orders(tmp_path, [aim]))
    first, ended = pass_moment(tmp_path / "orders.json")
    assert ended == -signal.SIGKILL
    assert sign(tmp_path, aim).read_text() == str(first)
    _, ended = pass_moment(tmp_path / "orders.json")
    assert ended == 0


def test_a_process_without_orders_passes(tmp_path):
    assert pass_moment(tmp_path / "orders.json")[1] == 0
