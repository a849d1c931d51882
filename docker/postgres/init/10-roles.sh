#!/usr/bin/env bash
# Roles and their passwords: a secret, so it is not beside these files. `nightshift secrets init` writes it.
set -euo pipefail
psql --no-psqlrc --quiet --set ON_ERROR_STOP=1 --username "${POSTGRES_USER:-postgres}" --dbname postgres \
  --file "${NIGHTSHIFT_ROLES_SQL:-/run/secrets/roles.sql}"
