"""What each process of Airflow does first; see "Airflow" in docs/production.md."""

from nightshift.policies import dag_policy as dag_policy
from nightshift.preload import install

install()
