"""The secrets of the production stack: made at random, one file for each that reads them, the same in all that hold them.

`values` says which secrets there are, `files` what stands in which file, `planning` what is to be written and what is
wrong: all three are functions of values. `folder` reads and writes.
"""
