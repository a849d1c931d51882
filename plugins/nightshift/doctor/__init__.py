"""The doctor: what is left over from older Airflows, or forgotten, in the DAG files; each with the way out.

values.py     a finding
source.py     what the text of a DAG file shows, without running it
imports.py    which heavy libraries a DAG file imports when it is parsed, and where
rules.py      what the DAGs themselves lack
examine.py    all of it, for one folder
"""

from nightshift.doctor.examine import examine
from nightshift.doctor.values import Finding

__all__ = ["Finding", "examine"]
