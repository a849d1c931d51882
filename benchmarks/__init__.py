"""Measurements, as ratios of subjects that were run in turn: `make bench`, `make bench-quick`. No bare time is a test.

studies/     what is compared, and which targets are held
subjects/    what is measured, one process each; peers with a lock of their own (peers.in, peers.txt)
measuring/   CPU, wall time and memory of whole trees of processes, in turn
data.py      rows and models, made once
results.py   what was found, and results.json
page.py      docs/performance.md, from results.json alone
profiles.py  flame graphs: `make profile`
promises/    how good early warnings are: `python -m benchmarks promises`

`python -m benchmarks --help` says how to run one study or a smaller one. Studies of the system (ledger, publication, parsing,
nights) can be run alone, too: `python -m benchmarks.ledger`.
"""
