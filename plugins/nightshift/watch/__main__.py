"""`python -m nightshift.watch`: the same as `nightshift watch`."""

import sys

from nightshift.cli import cli

if __name__ == "__main__":
    cli(["watch", *sys.argv[1:]])
