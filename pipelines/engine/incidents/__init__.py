"""Incidents: one for each promise and night that is in trouble, opened once, told once, resolved.

    values.py      an incident, its history, and what is told of it
    past.py        what was told so far (pure)
    lifecycle.py   stored incidents and new verdicts -> what changes, and who is told (pure)
    message.py     what a person reads (pure)
    next_steps.py  what to do next, with the exact commands (pure)
    store.py       incidents and their history in the ledger's database; messages are written in the same transaction
    outbox.py      messages that wait to be sent
    sender.py      sends them, each route by itself
    sinks.py       what a receiver is

The pure ones decide; the store, the outbox and the sender are the shells around them.
"""
