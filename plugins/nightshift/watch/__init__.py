"""The watch: a small process that needs neither scheduler nor workers, and sees that promises are kept.

    gathering.py  what is known, from the ledger's database
    tables.py     what readers of a published table see, from the table itself
    turn.py       once around: gather, judge, settle incidents, send what is due, say that it is alive
    metrics.py    what it measures, for Prometheus
    loop.py       turn after turn, until told to stop

Whatever fails in a turn is logged and counted, and the next turn comes all the same.
"""
