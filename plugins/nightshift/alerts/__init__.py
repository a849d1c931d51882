"""Where alerts go: routes from `routes.toml`, and a sink for each kind of address.

context.py       what messages need to know beside the incident
references.py    what a URL asks for in braces: secrets, and fields of the message (pure)
routes.py        routes.toml -> routes; who is told what (pure, beside the reading of the file)
secrets.py       the secrets themselves, from the environment or from Airflow, when they are needed
hiding.py        no secret in a log or an error
sinks.py         the sink for a route
apprise_sink.py  Slack, e-mail, PagerDuty, SNS, webhooks and some 130 more, through Apprise
alertmanager.py  Alertmanager's own API
log_sink.py      nobody: a dry run that writes down what would have been sent
checking.py      whether each route could send, and a message to try it with
"""
