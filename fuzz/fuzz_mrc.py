"""Fuzzer of the readers of MRC files; see `harness`."""

from harness import main

main("mrc")
