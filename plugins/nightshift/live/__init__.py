"""The live replay: the past of a pipeline as if it were happening now, run by the embedded Airflow.

`start.py` prepares it for `nightshift up --live`; `python -m nightshift.live` (`driver.py`) is the process of the tree that
delivers rows and labels when their time has come and, faster than real time, starts the runs; `orders.py` is what people
tell it with `nightshift live`.
"""
