"""What a pipeline still lacks before it may go to production, each with what to do.

values.py    a gap, and the facts that gaps follow from
rules.py     the rules: facts in, gaps out
gather.py    reads the facts
"""

from nightshift.readiness.gather import gather
from nightshift.readiness.rules import gaps_of
from nightshift.readiness.values import Facts, Gap

__all__ = ["Facts", "Gap", "gaps_of", "gather"]
