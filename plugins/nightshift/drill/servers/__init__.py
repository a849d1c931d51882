"""Servers that can be broken: real ones in a sandbox of their own, and proxies that fail on demand in front of them.

    with ObjectStore() as store, HttpProxy(store.address) as proxy:
        store.create_bucket("nights")
        proxy.inject(Fault("reply_lost", "PUT", r"/_delta_log/"))
        ...  # clients are given store.environment(proxy.url)

Each is a context manager that leaves nothing behind, and no process outlives its owner, not even one that is killed.
"""

from nightshift.drill.servers.database import DatabaseServer
from nightshift.drill.servers.errors import NotInstalled, ServerError, ServerFailed
from nightshift.drill.servers.faults import Exchange, Fault
from nightshift.drill.servers.http_proxy import HttpProxy
from nightshift.drill.servers.object_store import ObjectStore
from nightshift.drill.servers.tcp_proxy import StreamFault, TcpProxy
from nightshift.drill.servers.tracking import TrackingServer

__all__ = [
    "DatabaseServer",
    "Exchange",
    "Fault",
    "HttpProxy",
    "NotInstalled",
    "ObjectStore",
    "ServerError",
    "ServerFailed",
    "StreamFault",
    "TcpProxy",
    "TrackingServer",
]
