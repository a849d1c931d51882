"""Importing this module reads which of our modules import which; for processes that fork those who ask.

A task key holds a digest of the sources that a step can reach. To know them each task would parse the same sources again,
for some tens of milliseconds. Only who imports whom is kept: the sources themselves are read anew for each digest.
"""

from pipelines.engine.code import read_ahead

read_ahead()
