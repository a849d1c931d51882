"""What is told of a step while it runs: a span, counters, fields of its log lines; and what it cost.

```
names.py     every metric, span attribute and log field by name: the one list of them
seam.py      where it is told to; nobody listens by default, and whoever listens can fail no step
step.py      one run of a step: opened by `run_once`, and told of from within
cost.py      CPU seconds, bytes and memory of a piece of work
```

The engine knows no Airflow. What Airflow sends to a collector is sent by `nightshift.telemetry`, which listens here.
"""
