"""Reads nasty files, each with every reader, within a limit of memory; tells what came of it.

Run by a test as a program of its own, so that a crash is seen, and memory is measured.
"""

from __future__ import annotations

import json
import os
import re
import resource
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

from nasty import nasty_images, nasty_texts

from clem_retrace.batch.tables import read_table
from clem_retrace.errors import ClemRetraceError
from clem_retrace.io.images import read_micrograph
from clem_retrace.io.napari_tables import move_table
from clem_retrace.io.pixel_sizes import pixel_size_of
from clem_retrace.io.sessions import read_session
from clem_retrace.io.transforms import read_transform
from clem_retrace.micrograph import ImageFacts

#: Bytes of addresses, more than any of the files may need.
LIMIT = 6 << 30

KNOWN = ImageFacts("", (1000, 1000), 10.0)

READERS = {
    "images": (lambda path: read_micrograph(path, channel=0), pixel_size_of),
    "texts": (
        read_transform,
        lambda path: read_transform(path, lm=KNOWN, em=KNOWN, model="thin-plate spline"),
        read_session,
        read_table,
        lambda path: move_table(path, path.with_name("moved.csv"), lambda points: points),
    ),
}


def peak() -> int:
    """Return the most memory that this process has had since it was last set back, MB."""
    said = re.search(r"VmHWM:\s*(\d+) kB", Path("/proc/self/status").read_text())
    assert said
    return int(said[1]) // 1000


def main(which: str, largest: int) -> None:
    """Print a line for each file of no more than so many bytes, and for each reader of it."""
    resource.setrlimit(resource.RLIMIT_AS, (LIMIT, LIMIT))
    files = nasty_images() if which == "images" else nasty_texts()
    with TemporaryDirectory() as folder:
        os.mkfifo(Path(folder) / "pipe")
        for name, content in files:
            if len(content) > largest:
                continue
            path = Path(folder, name)
            path.write_bytes(content)
            del content
            for read in READERS[which]:
                Path("/proc/self/clear_refs").write_text("5")
                before, began, said = peak(), time.process_time(), None
                try:
                    read(path)
                except ClemRetraceError as error:
                    said = str(error)
                    if isinstance(error.__cause__, MemoryError):
                        said = "MemoryError"
                seconds = time.process_time() - began
                answer = json.dumps([name, said, seconds, peak() - before])
                sys.stdout.write(answer + "\n")
                sys.stdout.flush()
            path.unlink()


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
