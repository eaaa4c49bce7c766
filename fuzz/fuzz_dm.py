"""Fuzzer of the readers of DM3 and DM4 files; see `harness`."""

from harness import main

main("dm")
