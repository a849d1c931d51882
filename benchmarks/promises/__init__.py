"""How good are early warnings? Simulated months, walked minute by minute: `python -m benchmarks promises`.

houses.py    two imaginary DAGs: what their steps cost
months.py    months of nights in them, with their troubles, from a seed
rivals.py    how others foresee: the mean duration, and a normal distribution for each step
walk.py      each night minute by minute, with only what was known then
marks.py     precision, recall, lead time, Brier score, reliability
picture.py   the reliability diagram
backtest.py  tuning months and other months, and the table
"""
