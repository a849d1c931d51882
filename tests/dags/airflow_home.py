"""An Airflow home that belongs to this test run alone. Import this before anything of Airflow."""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
HOME = Path(tempfile.mkdtemp(prefix="airflow-of-tests-"))
SETTINGS = f"""
[core]
dags_folder = {ROOT}/dags
plugins_folder = {ROOT}/plugins
load_examples = False
[database]
sql_alchemy_conn = sqlite:///{HOME}/airflow.db
[api]
secret_key = {"of-tests-" * 16}
[api_auth]
jwt_secret = {"of-tests-" * 16}
"""

# A file, and not more variables: they would reach the processes that other tests start.
(HOME / "airflow.cfg").write_text(SETTINGS)
os.environ["AIRFLOW_HOME"] = str(HOME)
atexit.register(shutil.rmtree, HOME, ignore_errors=True)
