"""The napari plugin: the only part that imports napari, magicgui or Qt.

Values: `frames` (where layers lie), `layers` (layers to a run's input), `outputs` (results
to layers). Widgets: `widget` is the dock, made of the boxes `image_box`, `region_box`,
`options_box`, `result_box` and `run_bar`. Between them: `job`, one resolved run; `worker`,
the only module that names a thread; `scene`, the only one that changes a viewer's layers.
"""
