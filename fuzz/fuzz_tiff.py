"""Fuzzer of the readers of TIFF files and the metadata in them; see `harness`."""

from harness import main

main("tiff")
