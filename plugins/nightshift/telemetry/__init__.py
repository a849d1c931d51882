"""What steps tell goes out here: spans and counters through Airflow, and fields on log lines.

```
airflow.py     in tasks: Airflow's own metrics and traces, whatever they are sent to (OpenTelemetry, StatsD, nothing)
json_logs.py   in `nightshift watch` and on the command line: JSON lines, with the same fields as in a task's log
```
"""
