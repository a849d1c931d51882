"""Measure whole processes, with every process that they start: CPU seconds, wall seconds, peak memory.

groups.py    control groups of Linux: exact CPU time of a tree, and a memory limit
tree.py      what a tree of processes holds and has used, sampled
process.py   one subject, from its start to the end of the last process that it left
turns.py     subjects in turn, round after round; ratios within a round
"""
