"""Retrace a light-microscopy region in an electron micrograph and register the two."""
