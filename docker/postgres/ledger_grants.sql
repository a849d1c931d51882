GRANT SELECT ON nightshift_ledger_version TO ledger;
GRANT SELECT, INSERT, UPDATE ON task_keys TO ledger;
GRANT SELECT, INSERT ON task_events TO ledger;
GRANT USAGE ON SEQUENCE task_events_id_seq TO ledger;
GRANT SELECT, INSERT, UPDATE ON declarations, dag_runs, task_runs, outcomes, heartbeats TO ledger;
GRANT SELECT, INSERT, UPDATE ON incidents, outbox, silences TO ledger;
GRANT SELECT, INSERT ON incident_events TO ledger;
GRANT USAGE ON SEQUENCE incident_events_id_seq, outbox_id_seq, silences_id_seq TO ledger;
