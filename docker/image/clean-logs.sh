#!/bin/sh
# Deletes old log files, for ever: Airflow's chart runs it by this name beside each role, with these variables.
set -eu
days=${AIRFLOW__LOG_RETENTION_DAYS:-15}
minutes=${AIRFLOW__LOG_CLEANUP_FREQUENCY_MINUTES:-15}
logs=${AIRFLOW_HOME:?}/logs
while [ -d "$logs" ]; do
  find "$logs" -type f -mtime "+$days" -delete || true # another role deletes, too
  find "$logs" -mindepth 1 -type d -empty -mtime +1 -delete || true
  sleep "$((minutes * 60))"
done
