"""Incidents: one for each promise and night that is in trouble, opened once, told once, resolved.

    values.py     an incident, and what is told of it
    lifecycle.py  stored incidents and new verdicts -> what changes, and who is told (pure)
    message.py    what a person reads (pure)
    store.py      incidents and their history in the ledger's database; messages are written in the same transaction
    outbox.py     messages that wait to be sent

The first three decide; the store and the outbox are the shells around them.
"""
