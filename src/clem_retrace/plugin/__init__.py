"""The napari plugin: the only part that imports napari, magicgui or Qt.

Values: `form` is all that the user has set, `runs` what has come of it, `guide` what comes
next. Layers: `frames`, `layers` and `regions` read them, `outputs` makes them, `roles` says
what ours are for, `scene` alone changes a viewer's. Runs: `job` is one, resolved; `worker` the
only module that names a thread. `widget` is the dock, on what `dock` gives to all of them;
`compare`, `landmarks`, `moves`, `export`, `batch_dock` and `plots` are what it opens and holds.
"""
