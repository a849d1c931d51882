"""Names of tags and aliases, and the rule for names and keys that go into MLflow's searches."""

import re

from model_registry.errors import RegistryRefused

CHAMPION = "champion"
CHALLENGER = "challenger"
PREVIOUS = "previous"

KEY = "nightshift.key"
COMPLETE = "nightshift.complete"
MODEL_ID = "nightshift.model_id"
DIGEST = "nightshift.digest"
PACKAGE_DIGEST = "nightshift.package_digest"
DUPLICATE_OF = "nightshift.duplicate_of"
JOURNAL = "nightshift.journal."

_KEY = re.compile(r"[^'\"`\\\x00-\x1f]{1,250}")
_NAME = re.compile(r"[^'\"`\\/:\x00-\x1f]{1,250}")


def check_key(key: str) -> str:
    """The key, if it can be searched for: 1 to 250 characters, no quotes, backslashes or control characters."""
    if not _KEY.fullmatch(key):
        raise RegistryRefused(
            f"A key is 1 to 250 characters without quotes, backslashes and control characters; got {key[:80]!r}."
        )
    return key


def check_name(name: str) -> str:
    """The name, if a model or experiment can have it: like a key, without '/' and ':', and more than dots."""
    if not _NAME.fullmatch(name) or not name.strip("."):  # an experiment's name is also the name of its folder
        raise RegistryRefused(
            f"A name is 1 to 250 characters without quotes, backslashes, '/' and ':', and not only dots; got {name[:80]!r}."
        )
    return name


def tag_equals(tag: str, value: str) -> str:
    """MLflow's search text for a tag; the value must have passed check_key."""
    return f"tags.`{tag}` = '{value}'"
