"""Task keys: the identity of one piece of work, as a pure function of what determines its outcome."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

SHORT = 12


def canonical_json(value: object) -> str:
    """Write a value as JSON in exactly one way: sorted names, no spaces, no NaN.

    Raises:
        TypeError: The value holds something that JSON has no word for.
        ValueError: The value holds NaN or an infinity.
    """
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def digest_of(value: object) -> str:
    """Return the SHA-256 of a value's canonical JSON, in hex; text may hold halves of characters, as file names do."""
    return hashlib.sha256(canonical_json(value).encode("utf-8", "surrogatepass")).hexdigest()


@dataclass(frozen=True, kw_only=True)
class TaskKey:
    """What a piece of work is, so that the same work has the same key wherever and whenever it is asked for.

    Attributes:
        pipeline: The pipeline's name.
        step: What is done, such as `score`.
        partition: The night, or the night as of which is trained; a shard adds `#number`.
        inputs: Fingerprints of what is read: file digests, model digests, keys of earlier steps.
        parameters: Everything else that changes the outcome.
        code: Digest of the sources that the step can reach.
    """

    pipeline: str
    step: str
    partition: str
    inputs: Mapping[str, Any] = field(default_factory=dict)
    parameters: Mapping[str, Any] = field(default_factory=dict)
    code: str = ""

    @property
    def identity(self) -> dict[str, Any]:
        """Everything that the digest covers, as plain values."""
        return {
            "pipeline": self.pipeline,
            "step": self.step,
            "partition": self.partition,
            "inputs": dict(self.inputs),
            "parameters": dict(self.parameters),
            "code": self.code,
        }

    @cached_property
    def digest(self) -> str:
        """SHA-256 of the identity's canonical JSON, 64 hex digits."""
        return digest_of(self.identity)

    @property
    def short(self) -> str:
        """The digest's first digits: enough to find the key in a ledger by eye."""
        return self.digest[:SHORT]

    def __str__(self) -> str:
        return f"{self.pipeline}/{self.step}/{self.partition} [{self.short}]"
