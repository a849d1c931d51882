"""No text from a record leads out of its folder, however it is written."""

from __future__ import annotations

import posixpath
import unicodedata
from pathlib import PurePosixPath
from urllib.parse import unquote

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from pipelines.engine.errors import PathRefused
from pipelines.engine.paths import below, inside, safe_relative

ORDINARY = [
    "night=2013-11-19/0f3a-1-1763604000000.parquet",
    "flights/2013-11-19/checks-0f3a-1.html",
    "a",
    "a/b/c.txt",
    "..a/b..",
    ".hidden",
    "Zürich/夜.parquet",
    "a%20b/c",
    "a b",
    "night/12:00",
]
HOSTILE = [
    ("", "is empty"),
    ("..", "climbs"),
    ("../x", "climbs"),
    ("../../etc/passwd", "climbs"),
    ("a/../../x", "climbs"),
    ("a/..", "climbs"),
    ("/etc/passwd", "is absolute"),
    ("//host/share", "is absolute"),
    ("%2e%2e/x", "climbs"),
    ("..%2fx", "climbs"),
    ("%252e%252e%252fx", "climbs"),
    ("a/%2E%2E/%2e%2e/x", "climbs"),
    ("%2fetc/passwd", "is absolute"),
    ("a\\..\\x", "backslash"),
    ("%5c%5chost", "backslash"),
    ("file:///etc/passwd", "scheme"),
    ("s3://bucket/x", "scheme"),
    ("file:x", "scheme"),
    ("C:/x", "scheme"),
    ("a\0.html", "cannot be seen"),
    ("a%00.html", "cannot be seen"),
    ("a\nb", "cannot be seen"),
    ("a\N{RIGHT-TO-LEFT OVERRIDE}lmth.x", "cannot be seen"),
    ("a\udcff", "cannot be seen"),
    ("\N{FULLWIDTH FULL STOP}\N{FULLWIDTH FULL STOP}\N{FULLWIDTH SOLIDUS}x", "climbs"),
    ("\N{TWO DOT LEADER}/x", "climbs"),
    ("a//b", "without a name"),
    ("./a", "without a name"),
    ("a/.", "without a name"),
    ("a/", "without a name"),
    ("a" * 256, "too long"),
    ("夜" * 86, "too long"),
    ("a/" * 600 + "a", "too long"),
]


@pytest.mark.parametrize("path", ORDINARY)
def test_path_below_its_folder_is_returned_unchanged(path):
    assert safe_relative(path) == path


@pytest.mark.parametrize(("path", "fault"), HOSTILE)
def test_path_that_could_lead_elsewhere_is_refused_and_told(path, fault):
    with pytest.raises(PathRefused, match=fault) as caught:
        safe_relative(path)
    message = str(caught.value)
    assert message.isascii()
    assert message.replace("\n", "").isprintable()
    assert len(message) < 500
    assert not caught.value.retryable


@given(st.text(alphabet=st.sampled_from("./%2eEfF5cC\\a:\0é\N{FULLWIDTH FULL STOP}\udcff"), max_size=14))
@example("%25%32%65%25%32%65/x")
def test_what_is_accepted_stays_below_the_root_however_it_is_read(path):
    try:
        safe_relative(path)
    except PathRefused:
        return
    reading = path
    for _ in range(len(path) + 1):
        for text in (reading, unicodedata.normalize("NFKC", reading)):
            landed = posixpath.normpath(posixpath.join("/root/of/all", text))
            assert landed != "/root/of/all"
            assert PurePosixPath(landed).is_relative_to("/root/of/all")
        reading = unquote(reading)


@pytest.mark.parametrize("root", ["/data/tables", "/data/tables/", "s3://bucket/tables"])
def test_location_is_root_and_path_and_is_found_inside_again(root):
    location = below(root, "flights/part.parquet")
    assert location == f"{root.rstrip('/')}/flights/part.parquet"
    assert inside(root, location) == "flights/part.parquet"


@pytest.mark.parametrize(
    "location",
    [
        "/data/tables-of-others/x",
        "/data/tables",
        "/data/tables/",
        "/data/tables/../x",
        "/etc/passwd",
        "flights/part.parquet",
        "s3://bucket/data/tables/x",
        "",
    ],
)
def test_location_outside_the_root_is_refused(location):
    with pytest.raises(PathRefused):
        inside("/data/tables", location)


def test_hostile_path_is_never_joined():
    with pytest.raises(PathRefused):
        below("/data/tables", "../x")
