"""A small Google Cloud Storage, as far as pyarrow and delta-rs ask: `python google_storage.py BUCKET`.

The two speak different interfaces of it, JSON and XML, and no emulator that could be had serves both: this one keeps
objects in memory, serves both on the same objects, and honours "only if there is none" (generation 0). It was written
after Google's documentation and what the two libraries send, and is not Google.
"""

from __future__ import annotations

import base64
import hashlib
import http.server
import json
import re
import subprocess
import sys
import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit
from xml.sax.saxutils import escape

WHEN = "2024-03-06T07:00:00.000Z"
WHEN_IN_HTTP = "Wed, 06 Mar 2024 07:00:00 GMT"


class Objects:
    """Bucket, name, and what lies there under which generation."""

    def __init__(self, bucket: str) -> None:
        self.bucket = bucket
        self.lock = threading.Lock()
        self.content: dict[str, tuple[bytes, int]] = {}
        self.uploads: dict[str, tuple[str, bytes]] = {}
        self._generation = 0

    def put(self, name: str, content: bytes, only_if: str | None) -> int | None:
        """Keep an object, and return its generation; None if it shall be of another one now."""
        with self.lock:
            present = self.content[name][1] if name in self.content else 0
            if only_if is not None and int(only_if) != present:
                return None
            self._generation += 1
            self.content[name] = (content, self._generation)
            return self._generation

    def below(self, prefix: str, delimiter: str, after: str = "") -> tuple[list[str], list[str]]:
        """Return names that begin so, and what those begin with that go deeper."""
        names = [name for name in sorted(self.content) if name.startswith(prefix) and name > after]
        if not delimiter:
            return names, []
        deeper = [name for name in names if delimiter in name[len(prefix) :]]
        folders = {prefix + name[len(prefix) :].split(delimiter)[0] + delimiter for name in deeper}
        return [name for name in names if name not in deeper], sorted(folders)


class Handler(http.server.BaseHTTPRequestHandler):
    """Answers one client."""

    protocol_version = "HTTP/1.1"
    objects: Objects

    def _any(self) -> None:
        parts = urlsplit(self.path)
        self.asked = {name: values[-1] for name, values in parse_qs(parts.query, keep_blank_values=True).items()}
        self.body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        json_api = re.fullmatch(r"/(upload/|download/)?storage/v1/b/([^/]+)(?:/o(?:/(.*))?)?", parts.path)
        if json_api:
            upload, bucket, name = json_api.groups()
            self._json(upload or "", bucket, name if name is None else unquote(name), parts.path.endswith("/o"))
            return
        bucket, _, name = parts.path[1:].partition("/")
        self._xml(unquote(bucket), unquote(name))

    do_GET = do_PUT = do_POST = do_DELETE = do_HEAD = _any  # noqa: N815 - names that the library calls

    def _json(self, upload: str, bucket: str, name: str | None, listing: bool) -> None:
        if bucket != self.objects.bucket:
            self._answer(404, b'{"error": {"code": 404, "message": "The specified bucket does not exist."}}')
        elif upload == "upload/":
            self._upload()
        elif listing:
            names, folders = self.objects.below(self.asked.get("prefix", ""), self.asked.get("delimiter", ""))
            self._tell({"items": [self._about(each) for each in names], "prefixes": folders})
        elif name is None:
            self._tell({"name": bucket, "id": bucket, "location": "EU", "storageClass": "STANDARD"})
        elif name not in self.objects.content:
            self._answer(404, b'{"error": {"code": 404, "message": "No such object"}}')
        elif self.command == "DELETE":
            del self.objects.content[name]
            self._answer(204)
        elif self.asked.get("alt") == "media":
            self._content(name)
        else:
            self._tell(self._about(name))

    def _upload(self) -> None:
        if self.command == "POST":
            session = uuid.uuid4().hex
            name = self.asked.get("name") or json.loads(self.body)["name"]
            self.objects.uploads[session] = (name, b"")
            place = f"http://{self.headers['Host']}{self.path}&upload_id={session}"
            self._answer(200, b"{}", {"Location": place, "X-Guploader-Uploadid": session})
            return
        session = self.asked["upload_id"]
        name, begun = self.objects.uploads[session]
        start, last, size = re.fullmatch(r"bytes (?:(\d+)-(\d+)|\*)/(\*|\d+)", self.headers["Content-Range"]).groups()
        if start is not None and int(start) <= len(begun):
            begun = begun[: int(start)] + self.body
            self.objects.uploads[session] = (name, begun)
        if size != "*" and len(begun) == int(size):
            if last is not None or name not in self.objects.content:  # else it only asks how far this is
                self.objects.put(name, begun, None)
            self._tell(self._about(name))
            return
        self._answer(308, b"", {"Range": f"bytes=0-{len(begun) - 1}"} if begun else {})

    def _about(self, name: str) -> dict[str, Any]:
        content, generation = self.objects.content[name]
        digest = base64.b64encode(hashlib.md5(content, usedforsecurity=False).digest()).decode()
        said = {"kind": "storage#object", "name": name, "bucket": self.objects.bucket, "generation": str(generation)}
        times = dict.fromkeys(("timeCreated", "updated"), WHEN)
        return {**said, **times, "etag": f"{digest}{generation}", "size": str(len(content)), "md5Hash": digest}

    def _xml(self, bucket: str, name: str) -> None:
        if bucket != self.objects.bucket:
            self._answer(404, b"<Error><Code>NoSuchBucket</Code></Error>")
        elif not name:
            self._list()
        elif self.command == "PUT":
            generation = self.objects.put(name, self.body, self.headers.get("x-goog-if-generation-match"))
            if generation is None:
                self._answer(412, b"<Error><Code>PreconditionFailed</Code></Error>")
            else:
                self._answer(200, b"", {"ETag": f'"{generation}"', "x-goog-generation": str(generation)})
        elif name not in self.objects.content:
            self._answer(404, b"<Error><Code>NoSuchKey</Code></Error>")
        elif self.command == "DELETE":
            del self.objects.content[name]
            self._answer(204)
        else:
            self._content(name)

    def _list(self) -> None:
        asked = (self.asked.get("prefix", ""), self.asked.get("delimiter", ""), self.asked.get("start-after", ""))
        names, folders = self.objects.below(*asked)
        entries = [
            f"<Contents><Key>{escape(name)}</Key><Size>{len(self.objects.content[name][0])}</Size>"
            f'<LastModified>{WHEN}</LastModified><ETag>"{self.objects.content[name][1]}"</ETag></Contents>'
            for name in names
        ]
        entries += [f"<CommonPrefixes><Prefix>{escape(folder)}</Prefix></CommonPrefixes>" for folder in folders]
        text = f"<ListBucketResult><Name>x</Name><IsTruncated>false</IsTruncated>{''.join(entries)}</ListBucketResult>"
        self._answer(200, text.encode())

    def _content(self, name: str) -> None:
        content, generation = self.objects.content[name]
        said = {"ETag": f'"{generation}"', "x-goog-generation": str(generation), "Last-Modified": WHEN_IN_HTTP}
        wanted = re.fullmatch(r"bytes=(\d*)-(\d*)", self.headers.get("Range", ""))
        if not wanted:
            self._answer(200, content, said)
            return
        first, last = wanted.groups()
        start = int(first) if first else max(0, len(content) - int(last))
        end = min(int(last) if first and last else len(content) - 1, len(content) - 1)
        said["Content-Range"] = f"bytes {start}-{end}/{len(content)}"
        self._answer(206, content[start : end + 1], said)

    def _tell(self, value: dict[str, Any]) -> None:
        self._answer(200, json.dumps(value).encode(), {"Content-Type": "application/json"})

    def _answer(self, status: int, body: bytes = b"", headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in {**(headers or {}), "Content-Length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


class Server(http.server.ThreadingHTTPServer):
    """Serves; clients that hang up are no news."""

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing of broken connections."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


@contextmanager
def google_storage(bucket: str) -> Iterator[tuple[str, int]]:
    """Give host and port of such a store, with one empty bucket.

    It is a process of its own: pyarrow and delta-rs hold Python's lock while they wait for some of the answers.
    """
    command = [sys.executable, __file__, bucket]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        yield "127.0.0.1", int(process.stdout.readline())
        process.communicate()


def main(bucket: str) -> None:
    """Serve until whoever started this closes our input, or is gone."""
    Handler.objects = Objects(bucket)
    with Server(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=lambda: (sys.stdin.read(), server.shutdown()), daemon=True).start()
        sys.stdout.write(f"{server.server_port}\n")
        sys.stdout.flush()
        server.serve_forever()


if __name__ == "__main__":
    main(sys.argv[1])
