"""Python's regular expressions as those of RE2, which DuckDB uses: only where both mean the same."""

from __future__ import annotations

import re

_UNLIKE = re.compile(
    r"""
      \(\?(?!:)           # flags, lookaround, named groups
    | \{,                 # Python: from none; RE2: the characters
    | \[\[:               # Python: the characters; RE2: a named class
    | \\[A-Za-ce-z0-9]    # classes of letters and spaces, anchors, backreferences (digits have a name in both)
    | \\d-                # a range from a class: RE2's mistake is not Python's
    | [^\x00-\x7f]        # case and composition are the two libraries' own
    """,
    re.VERBOSE,
)
_ENDS = re.compile(r"(?<!\\)((?:\\\\)*)\$$")
_UNESCAPED_DOLLAR = re.compile(r"(?<!\\)(?:\\\\)*\$")
_DIGITS = re.compile(r"(?<!\\)((?:\\\\)*)\\d")


def as_re2(regex: str) -> str | None:
    r"""The expression for RE2 that finds what Python's `re.search` finds, or None if there is none that we are sure of.

    `\d` is every digit of Unicode in Python, and `$` also matches before a newline at the end.
    """
    if _UNLIKE.search(regex):
        return None
    body = _ENDS.sub(r"\1", regex)
    if _UNESCAPED_DOLLAR.search(body):
        return None
    if body != regex:
        if _top_level_alternatives(body):
            return None  # the end belongs to the last alternative alone
        body += r"\n?\z"
    return _DIGITS.sub(r"\1\\p{Nd}", body)


def _top_level_alternatives(body: str) -> bool:
    depth = 0
    for character in re.sub(r"\\.|\[[^\]]*\]", "", body):
        depth += {"(": 1, ")": -1}.get(character, 0)
        if character == "|" and depth == 0:
            return True
    return False
