"""JSON lines, of the watch and of the command line, say whose they are, and can be read one by one."""

from __future__ import annotations

import io
import json
import logging
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from nightshift.telemetry.json_logs import JsonLines, json_lines
from pipelines.engine.keys import TaskKey
from pipelines.engine.ledger import Ledger
from pipelines.engine.run_once import run_once
from pipelines.engine.telemetry.names import LOG_FIELDS

ROOT = Path(__file__).resolve().parents[3]
OF_A_STEP = LOG_FIELDS.keys() - {"trace_id", "span_id"}
KEY = TaskKey(pipeline="flights", step="plan", partition="2013-11-01")


@pytest.fixture
def lines():
    """What the root logger writes meanwhile, line by line."""
    written, root = io.StringIO(), logging.getLogger()
    handler, level = logging.StreamHandler(written), root.level
    root.addHandler(handler)
    root.setLevel(logging.INFO)
    with json_lines():
        yield lambda: [json.loads(line) for line in written.getvalue().splitlines()]
    root.removeHandler(handler)
    root.setLevel(level)
    assert not isinstance(handler.formatter, JsonLines)


def test_each_line_of_a_step_says_whose_it_is(lines, sqlite_ledger_url):
    run_once(Ledger(sqlite_ledger_url), KEY, lambda hold: logging.getLogger("a.suite").info("at %s", "work") or {})
    logging.getLogger("a.suite").info("after it")

    claimed, at_work, finished, after = lines()
    for line in (claimed, at_work, finished):
        assert line.keys() >= OF_A_STEP
        assert (line["night"], line["key"], line["fence"]) == ("2013-11-01", KEY.digest, 1)
    assert (at_work["event"], at_work["level"], at_work["logger"]) == ("at work", "info", "a.suite")
    assert not OF_A_STEP & after.keys()


def test_error_with_several_lines_is_one_line(lines):
    try:
        raise ValueError("one\ntwo")
    except ValueError:
        logging.getLogger("a.suite").exception("it went wrong")
    [line] = lines()
    assert (line["level"], line["event"]) == ("error", "it went wrong")
    assert line["exception"].endswith("ValueError: one\ntwo")


def test_watch_writes_json_lines_where_the_environment_says_so(tmp_path, migrated_file):
    (tmp_path / "ledger.db").write_bytes(migrated_file.read_bytes())
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("NIGHTSHIFT_", "AIRFLOW"))}
    ours = {"NIGHTSHIFT_HOME": str(tmp_path), "NIGHTSHIFT_JSON_LOGS": "1"}
    path = {"PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'plugins'}"}
    command = [sys.executable, "-m", "nightshift.watch", "--port", "0"]
    with subprocess.Popen(command, cwd=ROOT, env=kept | path | ours, stderr=subprocess.PIPE, text=True) as watch:
        assert watch.stderr is not None
        first = json.loads(watch.stderr.readline())
        watch.send_signal(signal.SIGTERM)
        rest = watch.stderr.read()
    assert first["logger"] == "nightshift.watch.loop"
    assert first["event"].startswith("routes: ")
    assert all(json.loads(line) for line in rest.splitlines())
