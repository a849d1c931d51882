"""Results come in order, memory is bounded, and an error ends the stream."""

import threading
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.engine.streaming import cores, in_order


def stream(pieces, work, *, threads=2, size=lambda piece: 1, most_bytes=100):
    return in_order(pieces, work, threads=threads, size=size, most_bytes=most_bytes)


@given(pieces=st.lists(st.integers(0, 50)), threads=st.integers(1, 4), most=st.integers(1, 60))
def test_results_come_in_the_order_of_their_pieces(pieces, threads, most):
    found = stream(pieces, lambda piece: piece * 2, threads=threads, size=lambda piece: piece, most_bytes=most)
    assert list(found) == [piece * 2 for piece in pieces]


@given(sizes=st.lists(st.integers(1, 30), max_size=40), most=st.integers(1, 60))
def test_no_more_is_read_than_fits(sizes, most):
    in_flight = largest = 0

    def read():
        nonlocal in_flight, largest
        for size in sizes:
            in_flight += size
            largest = max(largest, in_flight)
            yield size

    for size in stream(read(), lambda size: size, size=lambda size: size, most_bytes=most):
        in_flight -= size
    # A piece is asked for when the ones before are below the bound, so at most one goes beyond it.
    assert largest < most + max(sizes, default=0) + 1


def test_later_pieces_are_worked_on_while_an_early_one_takes_long():
    others = threading.Event()

    def work(piece):
        if piece == 0:
            assert others.wait(30), "nobody worked on the second piece"
        elif piece == 1:
            others.set()
        return piece

    assert list(stream(range(4), work)) == [0, 1, 2, 3]


def test_nothing_is_read_while_results_are_not_taken():
    read = []

    def pieces():
        for piece in range(1000):
            read.append(piece)
            yield piece

    found = stream(pieces(), lambda piece: piece, threads=2)
    next(found)
    so_far = len(read)
    time.sleep(0.05)
    assert len(read) == so_far <= 6
    found.close()


def test_an_error_ends_the_stream_after_what_came_before_it():
    read = []

    def pieces():
        for piece in range(1000):
            read.append(piece)
            yield piece

    def work(piece):
        if piece == 3:
            raise ValueError("three")
        return piece

    found = stream(pieces(), work)
    assert [next(found) for _ in range(3)] == [0, 1, 2]
    with pytest.raises(ValueError, match="three"):
        next(found)
    assert len(read) < 12


def test_no_thread_is_left_when_nobody_wants_the_rest():
    found = stream(range(1000), lambda piece: piece)
    next(found)
    found.close()
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("nightshift-work")]


def test_libraries_start_no_threads_of_their_own_in_a_working_thread():
    import sklearn.ensemble  # noqa: F401 - brings OpenMP and BLAS
    from threadpoolctl import threadpool_info

    (limits,) = stream([0], lambda piece: [library["num_threads"] for library in threadpool_info()])
    assert limits
    assert set(limits) == {1}


def test_this_process_may_use_a_core():
    assert cores() >= 1
