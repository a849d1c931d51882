"""What people look at: nights, one night, models and checks, each read once and shown by pages, reports and the terminal.

Every view is a frozen value that `dataclasses.asdict` turns into JSON. How it is made of what the ledger remembers is a pure
rule in the module of its name; `house.House` reads the ledger for all of them. Nothing here asks Airflow or MLflow, so it
works while either is down.
"""
