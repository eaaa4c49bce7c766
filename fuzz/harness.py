"""What all fuzzers share: atheris, guided by the code that a file reaches.

    python fuzz/fuzz_tiff.py -max_total_time=60

Options are those of libFuzzer. It ends with the first fault; the file that caused it is kept as
``crash-...``: its first byte tells by which name it is read, the rest is its content. A file is
read again by ``python fuzz/fuzz_tiff.py crash-...``. `make fuzz` runs all of them for a while.
"""

from __future__ import annotations

import random
import sys
import warnings
from pathlib import Path
from tempfile import TemporaryDirectory

import atheris

__all__ = ["main"]

#: Whose code guides the search: ours, and that which takes files apart for us.
GUIDING = ["clem_retrace.io", "clem_retrace.batch", "clem_retrace.result", "tifffile"]


def main(family: str) -> None:
    """Read files of a family for as long as the arguments say."""
    with atheris.instrument_imports(include=GUIDING):
        import damage
        import targets

    # A flood of them would be seen by users; one is a fault here.
    warnings.simplefilter("error")
    chosen = targets.FAMILIES[family]
    seeds = chosen.seeds()
    names = sorted(seeds)
    with TemporaryDirectory() as folder:
        place, corpus = Path(folder, "file"), Path(folder, "corpus")
        place.mkdir()
        corpus.mkdir()
        for number, name in enumerate(names):
            (corpus / name).write_bytes(bytes([number]) + seeds[name])

        def read(data: bytes) -> None:
            if data:
                targets.attempt(chosen, place / names[data[0] % len(names)], data[1:])

        def changed(data: bytes, largest: int, seed: int) -> bytes:
            rng, content = random.Random(seed), data[1:]
            if rng.random() < 0.5:
                return atheris.Mutate(data, largest)
            try:
                content = damage.altered_json(content, rng)
            except (ValueError, RecursionError):
                content = damage.damaged(content, rng)
            return (data[:1] + content)[:largest]

        at_hand = any(Path(word).is_file() for word in sys.argv[1:])
        arguments = sys.argv if at_hand else [*sys.argv, f"-max_len={1 << 16}", str(corpus)]
        atheris.Setup(arguments, read, custom_mutator=changed)
        atheris.Fuzz()
