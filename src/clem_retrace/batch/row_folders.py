"""The folder of a row's results: all of them, or none."""

from __future__ import annotations

import contextlib
import re
import shutil
from collections.abc import Iterator, Set
from contextlib import contextmanager
from pathlib import Path

from clem_retrace.batch.outcomes import RECORD, Record
from clem_retrace.errors import BadFile
from clem_retrace.io.writing import replacing

__all__ = ["check_free", "remove_parts", "row_folder"]


def check_free(folder: Path) -> None:
    """Refuse a folder that is not of a row, before a run is done in vain.

    Raises
    ------
    BadFile
        It is another's, or leads elsewhere.
    """
    if folder.is_symlink():
        raise BadFile(f"{folder} is a link, and results stay in the batch's folder: remove it")
    if folder.exists() and not _is_of_row(folder):
        raise BadFile(
            f"{folder} is there already, and not of a batch: it stays as it is, give the row "
            "another name"
        )


@contextmanager
def row_folder(folder: Path) -> Iterator[Path]:
    """Give a folder to write results to, which becomes `folder` when all is written.

    What others have put into an old one, such as notes, is taken over.

    Raises
    ------
    BadFile
        It cannot be written.
    """
    with replacing(folder, any_folder=True) as part:
        part.mkdir()
        try:
            yield part
        except BadFile as error:
            # The files in it are named as if they were in their place.
            raise BadFile(str(error).replace(str(part), str(folder))) from error
        # It may have come to be while the row was run.
        check_free(folder)
        if folder.exists():
            _take_over(folder, part)


def remove_parts(out: Path, names: Set[str]) -> None:
    """Remove from a batch's folder what attempts that were killed have left of rows' folders."""
    for entry in out.iterdir():
        part = re.fullmatch(r"\.(.+)\.[0-9a-f]{8}\.part", entry.name)
        if part and part[1] in names:
            shutil.rmtree(entry, ignore_errors=True)


def _is_of_row(folder: Path) -> bool:
    return (folder / RECORD).is_file() or (folder.is_dir() and not any(folder.iterdir()))


def _take_over(old: Path, new: Path) -> None:
    """Copy what is in an old folder, and was not written by us, to a new one."""
    record = Record.read(old)
    ours = {RECORD, *(record.files if record else ())}
    for entry in old.iterdir():
        there = new / entry.name
        if entry.name in ours or there.exists():
            continue
        if entry.is_dir():
            shutil.copytree(entry, there, symlinks=True)
        else:
            with contextlib.suppress(FileNotFoundError):
                shutil.copy2(entry, there, follow_symlinks=False)
