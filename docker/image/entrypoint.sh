#!/bin/sh
# Starts what it is told to. As the first process of a container it leaves that place to tini, which hands signals on and
# buries dead children; a probe, or a container with an init of its own, needs none.
set -eu
[ "$$" -ne 1 ] || exec tini -- "$@"
exec "$@"
