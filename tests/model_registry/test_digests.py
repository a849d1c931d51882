"""What stands in a model's folder must be what was registered: nothing else, and nothing that leads elsewhere."""

import json
import os

import pytest

from model_registry import BadPackage, TamperedModel
from model_registry.digests import LISTING, combine, digest_files, is_digest, verify, write_listing

FILES = {"MLmodel": b"face", "artifacts/package/model.txt": b"tree", "artifacts/package/package.json": b"{}"}


@pytest.fixture
def model(tmp_path):
    """A registered folder, and a file beside it that is nobody's business."""
    (tmp_path / "outside").write_bytes(b"tree")
    for name, content in FILES.items():
        path = tmp_path / "model" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    write_listing(tmp_path / "model", digest_files(tmp_path / "model"))
    return tmp_path / "model"


@pytest.fixture
def digest(model):
    return combine(digest_files(model))


def test_untouched_folder_passes(model, digest):
    verify(model, digest, "flights version 1")
    assert list(digest_files(model)) == sorted(FILES)


def changed_byte(model):
    (model / "artifacts/package/model.txt").write_bytes(b"Tree")


def added_file(model):
    (model / "artifacts/package/model.pkl").write_bytes(b"")


def removed_file(model):
    (model / "MLmodel").unlink()


def linked_file(model):
    """The link leads to the very bytes that were registered, and may lead to others after this look."""
    (model / "artifacts/package/model.txt").unlink()
    (model / "artifacts/package/model.txt").symlink_to(model.parent / "outside")


def linked_folder(model):
    (model / "more").symlink_to(model.parent)


def moved_folder(model):
    (model / "artifacts").rename(model.parent / "artifacts")
    (model / "artifacts").symlink_to(model.parent / "artifacts")


def linked_listing(model):
    (model / LISTING).rename(model.parent / LISTING)
    (model / LISTING).symlink_to(model.parent / LISTING)


def pipe(model):
    os.mkfifo(model / "artifacts/package/pipe")


def line_break_in_a_name(model):
    (model / "more\nFile: none").write_bytes(b"")


SPOILT = {
    changed_byte: "artifacts/package/model.txt",
    added_file: "artifacts/package/model.pkl",
    removed_file: "MLmodel",
    linked_file: "artifacts/package/model.txt",
    linked_folder: "more",
    moved_folder: "artifacts",
    linked_listing: LISTING,
    pipe: "artifacts/package/pipe",
    line_break_in_a_name: "more\nFile: none",
}


@pytest.mark.parametrize("spoil", SPOILT, ids=lambda spoil: spoil.__name__)
def test_tampered_folder_is_refused_and_the_file_is_named(model, digest, spoil):
    spoil(model)
    with pytest.raises(TamperedModel, match="flights version 1 was changed after it was registered") as caught:
        verify(model, digest, "flights version 1")
    assert caught.value.file == SPOILT[spoil]
    assert len(str(caught.value).splitlines()) == 5


@pytest.mark.parametrize("name", ["../outside", "/etc/hostname", "artifacts/../../outside"])
def test_listing_that_leaves_the_folder_is_refused_even_if_it_was_registered(model, name):
    listing = {**digest_files(model), name: digest_files(model)["artifacts/package/model.txt"]}
    write_listing(model, listing)
    with pytest.raises(TamperedModel) as caught:
        verify(model, combine(listing), "flights version 1")
    assert (caught.value.file, caught.value.got) == (name, "no such file")


def test_two_files_cannot_be_passed_off_as_one_with_a_long_name(model, digest):
    """The combined digest is over lines of text; a name with a line break would be two of them."""
    listing = digest_files(model)
    first, second = "MLmodel", "artifacts/package/model.txt"
    forged = f"{first}\n{listing[second]}  {second}"
    lines = {name: value for name, value in listing.items() if name not in (first, second)}
    write_listing(model, {**lines, forged: listing[first]})
    assert combine(json.loads((model / LISTING).read_text())) == digest
    (model / forged).parent.mkdir(parents=True, exist_ok=True)
    (model / first).rename(model / forged)
    (model / second).unlink()
    with pytest.raises(TamperedModel):
        verify(model, digest, "flights version 1")


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"MLmodel": 1}', '{"MLmodel": null}', "null", "\0"])
def test_listing_that_is_none_is_refused(model, digest, content):
    (model / LISTING).write_text(content)
    with pytest.raises(TamperedModel) as caught:
        verify(model, digest, "flights version 1")
    assert (caught.value.file, caught.value.got) == (LISTING, "no readable listing")


@pytest.mark.parametrize("spoil", [linked_file, pipe, line_break_in_a_name], ids=lambda spoil: spoil.__name__)
def test_what_could_not_be_verified_later_is_not_registered(model, spoil):
    spoil(model)
    with pytest.raises(BadPackage, match="plain files with printable names"):
        digest_files(model)


@pytest.mark.parametrize("text", ["", "../../x", "/etc", "f" * 63, "F" * 64, "f" * 64 + "\n", "٣" * 64])
def test_only_a_digest_is_one(text):
    assert not is_digest(text)
    assert is_digest("0123456789abcdef" * 4)
