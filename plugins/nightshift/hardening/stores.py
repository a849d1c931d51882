"""The object store: whether of two writers one wins, who may read, and what it throws away by itself."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from nightshift.hardening.places import place_of
from nightshift.hardening.sight import Sight
from nightshift.hardening.values import Check, Fault, NotUsed, Unseen

SCRATCH = "nightshift-doctor"
"""Below the tables, where nothing else has this name: what is tried is tried here, and deleted."""
REFUSED = 412
"""Of a conditional write whose condition is not met (RFC 9110, 13.1.2)."""


@dataclass(frozen=True)
class Bucket:
    """Where the tables are, and who we are there.

    Attributes:
        name: Of the bucket.
        prefix: Of the tables, without a slash at its end.
        endpoint: The server's URL.
        client: Of boto3.
    """

    name: str
    prefix: str
    endpoint: str
    client: Any = field(repr=False)

    def __str__(self) -> str:
        return f"s3://{self.name}/{self.prefix}"


def bucket_of(sight: Sight) -> Bucket:
    """Open the bucket of the tables.

    Raises:
        NotUsed: They are in none of S3's.
        UsageError, StorageError: There are no credentials for it.
    """
    tables = sight.settings.tables
    if tables.startswith("gs://"):
        raise NotUsed("tables are in Google Cloud Storage, which promises this by itself")
    if not tables.startswith("s3://"):
        raise NotUsed("tables are files of this machine")
    import boto3
    from botocore.config import Config

    from nightshift.connections import credentials_of
    from pipelines.engine.storage import Simple

    account = credentials_of(sight.settings)("s3")
    if not isinstance(account, Simple):
        raise NotUsed("tables are in none of S3's buckets")
    patience = Config(
        connect_timeout=4, read_timeout=8, retries={"total_max_attempts": 2}, s3={"addressing_style": "path"}
    )
    client = boto3.client(
        "s3",
        aws_access_key_id=account.access_key,
        aws_secret_access_key=account.secret_key,
        aws_session_token=account.token,
        region_name=account.region,
        endpoint_url=account.endpoint,
        config=patience if account.endpoint else patience.merge(Config(s3={"addressing_style": "auto"})),
    )
    name, _, prefix = tables.removeprefix("s3://").partition("/")
    return Bucket(name, prefix.strip("/"), str(client.meta.endpoint_url), client)


@dataclass(frozen=True)
class Writes:
    """What two conditional writes of one key were answered with; HTTP status."""

    where: str
    first: int
    second: int


def judge_writes(writes: Writes) -> Iterator[Fault]:
    """Whether the second of two writers is refused."""
    if writes.first >= 300:
        yield Fault(
            writes.where,
            "that a new key is written",
            f"{writes.first}",
            "See whether our account may write there, and whether the server knows If-None-Match",
        )
    elif writes.second != REFUSED:
        yield Fault(
            writes.where,
            f"{REFUSED} for a second write with If-None-Match: *",
            f"{writes.second}: two commits of a table may both win",
            "Take a server that honours conditional writes; docs/production.md",
        )


def try_writes(sight: Sight) -> Writes:
    """Write a key of our own twice, on the condition that it is not there, and delete it."""
    bucket = bucket_of(sight)
    key = "/".join(filter(None, (bucket.prefix, SCRATCH, uuid.uuid4().hex)))
    try:
        return Writes(str(bucket), _put(bucket, key), _put(bucket, key))
    finally:
        with suppress(Exception):  # it is a scratch key: what happened above is what matters
            bucket.client.delete_object(Bucket=bucket.name, Key=key)


def _put(bucket: Bucket, key: str) -> int:
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        answer = bucket.client.put_object(Bucket=bucket.name, Key=key, Body=b"nightshift doctor", IfNoneMatch="*")
    except ClientError as error:
        return int(error.response["ResponseMetadata"]["HTTPStatusCode"])
    except BotoCoreError as error:
        raise Unseen(f"the object store at {bucket.endpoint} does not answer: {error}") from error
    return int(answer["ResponseMetadata"]["HTTPStatusCode"])


@dataclass(frozen=True)
class Lifecycle:
    """A bucket's lifecycle rules, as S3 has them.

    Attributes:
        where: The tables.
        prefix: Their folder.
        rules: https://docs.aws.amazon.com/AmazonS3/latest/API/API_LifecycleRule.html
    """

    where: str
    prefix: str
    rules: Sequence[Mapping[str, Any]]


def judge_lifecycle(lifecycle: Lifecycle) -> Iterator[Fault]:
    """Whether killed uploads go away by themselves, and tables do not."""
    rules = [rule for rule in lifecycle.rules if rule.get("Status") == "Enabled"]
    for rule in rules:
        takes = [kind for kind in ("Expiration", "Transitions", "NoncurrentVersionExpiration") if _takes(rule, kind)]
        if takes and _meets(_prefix_of(rule), lifecycle.prefix):
            yield Fault(
                f"the rule {rule.get('ID', '(without a name)')} of {lifecycle.where}",
                "that no rule touches what lies below the tables",
                f"{' and '.join(takes)} of {_prefix_of(rule) or 'everything'}: a published night would vanish",
                "Take the rule out, or give it another prefix; `nightshift tidy` removes what may go",
                grave=takes != ["NoncurrentVersionExpiration"],
            )
    if not any(
        "AbortIncompleteMultipartUpload" in rule and _covers(_prefix_of(rule), lifecycle.prefix) for rule in rules
    ):
        yield Fault(
            lifecycle.where,
            "a rule that aborts incomplete multipart uploads",
            "none: uploads that were killed are paid for, and seen by nobody",
            "Add one, after a day or two; docs/production.md",
            grave=False,
        )


def _takes(rule: Mapping[str, Any], kind: str) -> bool:
    if kind == "Expiration":  # one that only removes delete markers takes nothing
        return bool({"Days", "Date"} & set(rule.get("Expiration") or {}))
    return bool(rule.get(kind))


def _prefix_of(rule: Mapping[str, Any]) -> str:
    within = rule.get("Filter") or {}
    return str(within.get("Prefix") or (within.get("And") or {}).get("Prefix") or rule.get("Prefix") or "")


def _meets(one: str, other: str) -> bool:
    return one.startswith(other) or other.startswith(one.rstrip("/"))


def _covers(rule: str, tables: str) -> bool:
    return f"{tables}/".startswith(rule)


def look_at_lifecycle(sight: Sight) -> Lifecycle:
    """Read the bucket's rules."""
    from botocore.exceptions import BotoCoreError, ClientError

    bucket = bucket_of(sight)
    try:
        rules = bucket.client.get_bucket_lifecycle_configuration(Bucket=bucket.name).get("Rules", [])
    except ClientError as error:
        code = error.response["Error"]["Code"]
        if code == "NoSuchLifecycleConfiguration":
            rules = []
        elif code in ("AccessDenied", "NotImplemented", "MethodNotAllowed", "501", "403"):
            raise NotUsed(f"the object store does not say which rules it has ({code})") from error
        else:
            raise Unseen(f"the object store answers {code}") from error
    except BotoCoreError as error:
        raise Unseen(f"the object store at {bucket.endpoint} does not answer: {error}") from error
    return Lifecycle(str(bucket), bucket.prefix, rules)


@dataclass(frozen=True)
class Listed:
    """What a bucket told somebody without a login: HTTP status; `near` if only this machine can ask."""

    where: str
    status: int
    near: bool


def judge_anonymous(listed: Listed) -> Iterator[Fault]:
    """Whether strangers may read rows and predictions."""
    if listed.status < 300:
        yield Fault(
            listed.where,
            "403 for somebody without a login",
            f"{listed.status}: everybody who reaches it may list it",
            "Switch the server's logins on, and let the bucket be private",
            grave=not listed.near,
        )


def list_as_nobody(sight: Sight) -> Listed:
    """Ask for one name in the bucket, without a signature."""
    bucket = bucket_of(sight)
    place = place_of(bucket.endpoint)
    url = f"{bucket.endpoint}/{bucket.name}?list-type=2&max-keys=1"
    return Listed(str(bucket), sight.get(url).status, place is not None and place.is_here)


NEEDS = "NIGHTSHIFT_TABLES, NIGHTSHIFT_AWS_CONNECTION"
CHECKS = (
    Check("conditional-writes", "Store", "of two commits one wins", NEEDS, try_writes, judge_writes),
    Check("anonymous-store", "Store", "strangers cannot read it", NEEDS, list_as_nobody, judge_anonymous),
    Check(
        "lifecycle",
        "Store",
        "it throws away uploads that were killed, and no tables",
        NEEDS,
        look_at_lifecycle,
        judge_lifecycle,
    ),
)
