"""The exactly-once protocol, simulated: every order of events that a few workers and a few faults allow.

    python -m tests.protocol          explores every scenario and says how much was covered

How to read it, in this order:

values.py       what a world is made of: the ledger's rows, the table's versions, the workers. Nothing but tuples.
ledger.py       the ledger's operations on rows, as `pipelines/engine/ledger/store.py` does them in SQL.
worker.py       one worker's steps, as `run_once.py`, `publication/`, `steps/publish.py` and `steps/score.py` do them.
                A step is what happens at once: one transaction of the ledger, one look at the table, one commit.
model.py        which actions are possible in a world (a step, a crash, a lost reply, the end of a lease, `force` ...),
                and the world after each of them. Pure functions: a schedule, a list of actions, always ends the same.
promises.py     what must be true of every world, whatever happened.
scenarios.py    who wants to publish what, and how many faults may happen.
explorer.py     tries every schedule (breadth first, so what it finds is the shortest), or random ones, from a seed.
real.py         the real ledger and the real table, driven step by step along a schedule of the model.

The model describes the protocol as it is meant to be. `Scenario.flaws` takes single guards out of it: the tests show
that each of them is missed. `KNOWN_FLAWS` are those that the code of today has itself; `test_conformance.py` holds
the model with them against the real thing.

Time is not counted. A lease ends at any moment that is bad enough: that covers every clock, pause and speed.
"""
