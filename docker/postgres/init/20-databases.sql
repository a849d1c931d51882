-- A database for each purpose, and nobody in one that is not his. For psql, as the superuser; may be run again at any time.
-- Roles come first: 10-roles.sh. What the role `ledger` may do in its database, ../ledger_grants.sql says.

SELECT format('CREATE DATABASE %I OWNER %I TEMPLATE template0 ENCODING ''UTF8''', name, owner)
FROM (VALUES
  ('airflow', 'airflow'),
  ('ledger', 'ledger_owner'),
  ('mlflow', 'mlflow'),
  ('mlflow_auth', 'mlflow'),
  ('celery', 'celery')
) AS wanted (name, owner)
WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = name) \gexec

REVOKE CONNECT, TEMPORARY ON DATABASE airflow, ledger, mlflow, mlflow_auth, celery, postgres, template1 FROM PUBLIC;
GRANT CONNECT ON DATABASE ledger TO ledger;
