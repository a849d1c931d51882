"""The drill: every fault that Nightshift promises to survive, run against real processes in a sandbox."""
