"""Promises: what a DAG or a task said about time, and whether it will be kept.

    values.py    what was promised, and by which DAG
    declare.py   from a DAG author's words to promises, with every mistake named
    schedule.py  when a night should begin, and when it is due
    facts.py     what is known: runs, tasks, publications, findings
    reading.py   the same, from what the ledger remembers
    history.py   how long each step took before
    habits.py    the same, as if it had happened tonight: as many rows, as slow as lately
    forecast.py  when will a running night be finished, and how sure is that?
    cases.py     the nights that matter now
    judge.py     promises, facts, history, now -> verdicts
    verdicts.py  what the judge says
    report.py    how good the warnings were

All of it is pure: no module here reads a file, a database or a clock.
"""
