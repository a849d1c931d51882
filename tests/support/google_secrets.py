"""A Google Secret Manager with a few secrets, on a port of its own: Google's messages over gRPC, without TLS and logins."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import grpc
from google.cloud.secretmanager_v1 import AccessSecretVersionRequest, AccessSecretVersionResponse

SERVICE, METHOD = "google.cloud.secretmanager.v1.SecretManagerService", "AccessSecretVersion"


@contextmanager
def google_secrets(secrets: Mapping[str, str]) -> Iterator[str]:
    """Serve the newest version of some secrets, `projects/P/secrets/NAME`; gives the address."""

    def access(request: Any, context: grpc.ServicerContext) -> Any:
        secret, _, version = request.name.rpartition("/versions/")
        if version != "latest" or secret not in secrets:
            context.abort(grpc.StatusCode.NOT_FOUND, f"{request.name} is not there")
        return AccessSecretVersionResponse(name=request.name, payload={"data": secrets[secret].encode()})

    handler = grpc.unary_unary_rpc_method_handler(
        access,
        request_deserializer=AccessSecretVersionRequest.deserialize,
        response_serializer=AccessSecretVersionResponse.serialize,
    )
    server = grpc.server(ThreadPoolExecutor(2))
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(SERVICE, {METHOD: handler}),))
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    try:
        yield f"127.0.0.1:{port}"
    finally:
        server.stop(None).wait()
