"""The dock `Batch`: many pairs from a table, run one after the other, each result to be opened.

A pair is what a row of a table of pairs is: `tables` keeps its cells, and has them checked by
the reader of `clem-retrace batch`. What is run, and what becomes of it, is that command's too.
"""
