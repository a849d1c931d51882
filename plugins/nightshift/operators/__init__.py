"""Nightshift's operators: thin shells around the engine's steps."""
