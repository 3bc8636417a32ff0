from __future__ import annotations

import errno
import os
import sqlite3
import stat

import pytest
import torch
from safetensors import SafetensorError
from safetensors.torch import load as load_tensors
from safetensors.torch import save_file

from trainwell.core.errors import DamagedError, StorageError, UsageError
from trainwell.core.files import atomic_write, discard, plain, sha256, storage_errors, tidy, write_durably

# plain ----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("cat.png", "cat.png"),
        ("Katze-ä-猫.png", "Katze-ä-猫.png"),
        ("\x1b]0;title\x07x", "]0;titlex"),
        ("a\nb\tc\x00\x7f", "abc"),
        ("\x9b31mred", "31mred"),
        ("gpj\u202egnp.exe", "gpjgnp.exe"),
        ("\udcff.png", ".png"),
    ],
)
def test_plain_strips_what_steers_a_terminal(text, shown):
    assert plain(text) == shown
    plain(text).encode()


# writing --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("data", [b"\x00\xff", "ä\n", b"", ""])
def test_atomic_write_replaces_the_whole_file_and_leaves_nothing_beside_it(tmp_path, data):
    path = tmp_path / "file"
    path.write_text("a much longer old content")
    atomic_write(path, data)
    assert path.read_bytes() == (data.encode() if isinstance(data, str) else data)
    assert os.listdir(tmp_path) == ["file"]


def test_atomic_write_keeps_the_old_file_if_the_new_one_cannot_be_written(tmp_path):
    path = tmp_path / "file"
    atomic_write(path, "old")
    with pytest.raises(UnicodeEncodeError):
        atomic_write(path, "\ud800")
    assert path.read_text() == "old"
    assert os.listdir(tmp_path) == ["file"]


def test_atomic_write_gives_the_usual_permissions_and_replaces_a_link(tmp_path):
    (tmp_path / "target").write_text("safe")
    (tmp_path / "plain").write_text("")
    (tmp_path / "link").symlink_to(tmp_path / "target")
    atomic_write(tmp_path / "link", "new")
    assert (tmp_path / "target").read_text() == "safe"
    assert not (tmp_path / "link").is_symlink()
    assert stat.S_IMODE((tmp_path / "link").stat().st_mode) == stat.S_IMODE((tmp_path / "plain").stat().st_mode)


def test_atomic_write_takes_the_longest_name_a_file_may_have(tmp_path):
    atomic_write(tmp_path / ("x" * 255), "1")
    assert os.listdir(tmp_path) == ["x" * 255]


def test_write_durably_never_overwrites(tmp_path):
    write_durably(tmp_path / "a", b"1")
    with pytest.raises(FileExistsError):
        write_durably(tmp_path / "a", b"2")


def test_sha256_is_that_of_the_standard(tmp_path):
    (tmp_path / "abc").write_bytes(b"abc")
    assert sha256(tmp_path / "abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"  # FIPS 180-2


# deleting -------------------------------------------------------------------------------------------------------------


def test_tidy_removes_leftovers_and_nothing_else_however_often(tmp_path):
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "precious").write_text("1")
    folder = tmp_path / "folder"
    (folder / ".tmp-a").mkdir(parents=True)
    (folder / ".tmp-a" / "file").touch()
    (folder / ".trash-b").touch()
    (folder / ".tmp-link").symlink_to(outside)
    (folder / "step-000001").mkdir()
    (folder / "tmp-not-ours").touch()
    for _ in range(2):
        assert tidy(folder) == ()
        assert sorted(os.listdir(folder)) == ["step-000001", "tmp-not-ours"]
    assert os.listdir(outside) == ["precious"]
    assert tidy(tmp_path / "absent") == ()


def test_what_cannot_be_deleted_is_said_and_not_raised(tmp_path):
    assert (
        discard(tmp_path / "absent\x1b[31m")
        == f"{tmp_path}/absent[31m could not be deleted: No such file or directory."
    )


# errors ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (errno.ENOSPC, "is full"),
        (errno.EROFS, "read-only"),
        (errno.EACCES, "permission is denied"),
        (errno.EDQUOT, "quota"),
        (errno.EMFILE, "ulimit -n"),
        (errno.EFBIG, "ulimit -f"),
        (errno.EIO, "input/output error"),
        (errno.ESTALE, "network file system"),
        (errno.ENOENT, "gone"),
        (errno.EBUSY, "another process"),
        (errno.ENOTDIR, "Not a directory"),
    ],
)
def test_an_error_of_the_system_becomes_one_sentence(tmp_path, number, words):
    with pytest.raises(StorageError) as caught, storage_errors("Saving \x1b[31mx", tmp_path):
        raise OSError(number, os.strerror(number))
    message = str(caught.value)
    assert message.startswith("Saving [31mx failed: ") and words in message and message.endswith(".")
    assert "\n" not in message


def test_a_real_error_names_the_place_by_itself(tmp_path):
    with pytest.raises(StorageError, match="Reading failed: the file or folder is gone"), storage_errors("Reading"):
        open(tmp_path / "absent" / "file").close()


@pytest.mark.parametrize(
    "problem", [ValueError("x"), RuntimeError("x"), KeyError("x"), UsageError("x"), sqlite3.ProgrammingError("x")]
)
def test_errors_that_are_not_about_storage_pass_unchanged(problem):
    with pytest.raises(type(problem)) as caught, storage_errors("Saving"):
        raise problem
    assert caught.value is problem


def test_errors_of_safetensors_are_recognised(tmp_path):
    with pytest.raises(StorageError, match="is gone"), storage_errors("Saving", tmp_path):
        save_file({"a": torch.zeros(2)}, tmp_path / "absent" / "x")
    full = "Error while serializing: I/O error: No space left on device (os error 28)"  # what a full disk gives
    with pytest.raises(StorageError, match="is full"), storage_errors("Saving", tmp_path):
        raise SafetensorError(full)
    with pytest.raises(DamagedError, match="cannot be read"), storage_errors("Loading", tmp_path):
        load_tensors(b"\xff" * 100)


def test_errors_of_torch_are_recognised(tmp_path):
    torch.save(torch.zeros(1000), tmp_path / "x")
    os.truncate(tmp_path / "x", 2000)
    with pytest.raises(DamagedError, match="truncated or damaged"), storage_errors("Loading", tmp_path):
        torch.load(tmp_path / "x", weights_only=True)
    full = "[enforce fail at inline_container.cc:672] . unexpected pos 576 vs 534"  # what a full disk gives
    with pytest.raises(StorageError, match="is full"), storage_errors("Saving", tmp_path):
        raise RuntimeError(full)


def test_errors_of_sqlite_are_recognised(tmp_path):
    (tmp_path / "no.sqlite").write_bytes(b"x" * 5000)
    with pytest.raises(DamagedError, match="damaged or not a database"), storage_errors("Reading", tmp_path):
        connection = sqlite3.connect(tmp_path / "no.sqlite")
        try:
            connection.execute("SELECT * FROM sqlite_master")
        finally:
            connection.close()
    with pytest.raises(StorageError, match="is gone"), storage_errors("Reading", tmp_path):
        sqlite3.connect(tmp_path / "absent" / "x")
