"""Who may do what where Airflow asks for a login: three roles of ours beside Airflow's Admin, and the people in them.

`table` says it in words and in permissions, and knows no Airflow; `fab` tells it to Airflow's FAB auth manager;
`logins` reads who there is. The pages ask Airflow, and nobody here.
"""
