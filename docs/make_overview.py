"""Make the picture that `clem-retrace demo` writes, at the size of the documentation.

Needs no display. The picture is written to ``docs/images/demo.jpg``.
"""

from __future__ import annotations

from pathlib import Path

from PIL import Image

from clem_retrace.io.overlays import overlay_image
from clem_retrace.pipeline import register
from clem_retrace.synthetic import endosomes

PICTURE = Path(__file__).parent / "images" / "demo.jpg"

#: Pixels; and JPEG's, which keeps the colours at a third of the size of PNG.
WIDTH, QUALITY = 1000, 85


def main() -> None:
    """Make the picture."""
    pair = endosomes()
    registration = register(pair.lm, pair.em, pair.roi)
    image = Image.fromarray(overlay_image(pair.lm, pair.em, registration, truth=pair.ground_truth))
    small = image.resize(
        (WIDTH, round(image.height * WIDTH / image.width)), Image.Resampling.LANCZOS
    )
    PICTURE.parent.mkdir(exist_ok=True)
    small.save(PICTURE, quality=QUALITY, optimize=True)
    print(f"{PICTURE}: {PICTURE.stat().st_size / 1000:.0f} kB")


if __name__ == "__main__":
    main()
