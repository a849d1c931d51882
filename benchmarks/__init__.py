"""Measurements, printed as ratios of subjects that were run in turn: `make bench`. No bare time is a test."""
