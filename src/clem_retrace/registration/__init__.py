"""Registering the LM region and its place in the EM (paper 3.3).

Nothing is imported here: `landmarks` and `pair_transform` are values that the docks hold, and
`affine` brings scipy with it.
"""
