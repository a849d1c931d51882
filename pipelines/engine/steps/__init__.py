"""The steps of a night and of a training: each computes its key, does its work once, and returns small JSON.

A night:     validate -> plan -> score (each shard) -> publish -> monitor
A training:  validate -> train -> evaluate -> register -> promote
             with a search: validate -> trial (each) -> best -> train -> ...
A version:   compile, once for each kind of processor; begun by register, or by a large night
A champion:  move, when a person rolls back, or promotes by hand

Airflow's operators and the command line call the same functions.
"""

NIGHT_STEPS = ("validate", "plan", "score", "publish", "monitor")
TRAINING_STEPS = ("validate_training", "train", "evaluate", "register", "promote")
SEARCH_STEPS = ("trial", "best")
VERSION_STEPS = ("compile",)
CHAMPION_STEPS = ("move",)
