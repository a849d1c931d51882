"""Suites on Parquet files: Great Expectations asks, DuckDB counts, and nobody reads a whole night into pandas.

```
rows.py         which files, and what their columns are
view.py         the files as one DuckDB view, with the position of each row
literals.py     values and names as SQL
regexes.py      Python's regular expressions as RE2's
conditions.py   which rows an expectation judges
predicates.py   which rows fail it
aggregates.py   statements about a whole column
engine.py       the execution engine that Great Expectations asks
drift.py        how far the columns have moved from training
```
"""
