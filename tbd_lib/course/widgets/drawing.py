"""Draw the first mask of a video: polygons and boxes on a frame, by mouse, touch or keyboard.

The page draws (``drawing.js``) and sends shapes, not pixels; they become a mask here, by
``tbd_lib.video.annotations`` as on the command line. What is drawn by hand can be set from code as well:
``drawing.shapes = [...]``.
"""

from itertools import islice
from pathlib import Path

import numpy as np
import traitlets
from anywidget import AnyWidget
from jaxtyping import UInt8

from tbd_lib.course.viz.described import Described
from tbd_lib.course.viz.page import TITLE, aspect, new_figure, picture
from tbd_lib.course.widgets.board import jpeg
from tbd_lib.course.widgets.inspector import display_live
from tbd_lib.errors import InputError
from tbd_lib.files import PNG_BEGINS, at_home, require_absent
from tbd_lib.video.annotations import Shape, draw, shapes_of
from tbd_lib.video.arrays import Image, Mask
from tbd_lib.video.frames import frames_of
from tbd_lib.video.masks import ids_of, require_objects, require_size, size_of, write_mask
from tbd_lib.video.overlay import COLOURS, overlay

HERE = Path(__file__).parent
SCRIPTS = ("elements.js", "painting.js", "page.js", "drawing.js")
LONGEST_SIDE = 1920  # pixels of the picture that is sent; corners are counted in the frame's own all the same
JPEG_QUALITY = 90
STILL = 5.0  # inches, the width of the picture for pages that cannot run the widget


class Shapes(traitlets.TraitType):
    """A tuple of shapes, checked when it is assigned. A tuple, so that none is added without the page's knowing."""

    default_value = ()

    def validate(self, obj: "MaskDrawing", value: object) -> tuple[Shape, ...]:
        """Raises InputError, also where traitlets would hold a TraitError back."""
        return shapes_of(value, (obj.rows, obj.columns))


class MaskDrawing(AnyWidget):
    """A frame on which objects are drawn.

    Args:
        image: the frame.
        mask: to begin with; it lies beneath the shapes.

    ``shapes`` is what has been drawn, the last on top: see ``tbd_lib.video.annotations.Shape``.

    Raises:
        InputError: a mask of another size; when shapes are assigned: one that cannot be drawn. One that a page sends
            is left out, and the page says so.
    """

    _esm = "\n".join((HERE / name).read_text() for name in SCRIPTS)  # a page loads one module
    _css = HERE / "drawing.css"

    rows = traitlets.Int(help="of the frame, in pixels").tag(sync=True)
    columns = traitlets.Int(help="of the frame, in pixels").tag(sync=True)
    picture = traitlets.Bytes(help="the frame as JPEG").tag(sync=True)
    start = traitlets.Bytes(help="ids of the mask to begin with, row by row; none if empty").tag(sync=True)
    colours = traitlets.Bytes(COLOURS.tobytes(), help="red, green and blue of every id").tag(sync=True)
    stills = traitlets.List(traitlets.Unicode(), help="captions of stills that this takes the place of").tag(sync=True)
    shapes = Shapes(help="what has been drawn").tag(
        sync=True,
        to_json=lambda shapes, _: list(shapes),  # as the page sends it: no difference to be sent back
        from_json=lambda found, drawing: drawing._accepted(found),
    )

    def __init__(self, image: Image, mask: UInt8[np.ndarray, "rows columns"] | None = None) -> None:
        if mask is not None:
            require_size(mask, image.shape, Path("mask"))
        self.image = image
        self._start = np.zeros(image.shape[:2], np.uint8) if mask is None else mask.copy()
        super().__init__(
            rows=image.shape[0],
            columns=image.shape[1],
            picture=jpeg(image, LONGEST_SIDE, JPEG_QUALITY),
            start=self._start.tobytes() if self._start.any() else b"",
        )

    @property
    def mask(self) -> Mask:
        """The id mask that has been drawn so far, of the frame's size."""
        return draw(self._start, self.shapes)

    def save(self, path: Path | str, overwrite: bool = False) -> None:
        """Write the mask as an id PNG, as ``tbd track --mask`` reads it.

        Raises:
            InputError: nothing is drawn; another suffix; the file exists already and may not be written over.
            OSError: no space left, or no right to write.
        """
        path = at_home(path)
        if path.suffix.lower() != ".png":
            raise InputError(f"{path}: found the suffix {path.suffix!r}, expected .png")
        require_absent(path, overwrite, PNG_BEGINS)
        write_mask(path, require_objects(self.mask, path))

    def _accepted(self, found: object) -> tuple[Shape, ...]:
        """What a page sends, if it can be drawn; else what there is, and the page is told why."""
        try:
            return shapes_of(found, (self.rows, self.columns))
        except InputError as error:
            self.send_state("shapes")
            self.send({"refused": str(error)})
            return self.shapes

    def _summary(self) -> str:
        mask = self.mask
        sizes = [f"object {i} has {np.count_nonzero(mask == i):,} px" for i in ids_of(mask)]
        shapes = f"{len(self.shapes)} {'shape' if len(self.shapes) == 1 else 'shapes'} drawn"
        return f"A frame of {size_of(mask.shape)} pixels, {shapes}: {'; '.join(sizes) or 'no object'}."

    def __repr__(self) -> str:
        return f"MaskDrawing: {self._summary()}"

    def _ipython_display_(self, **options: object) -> None:
        """Display the widget, and for pages that cannot run it the frame with what is drawn now."""
        data, metadata = self._repr_mimebundle_() or ({}, {})
        figure = new_figure(STILL * aspect(self.image) + TITLE, STILL)
        picture(figure.subplots(), overlay(self.image, self.mask), "drawn mask")
        still = Described(figure, self._summary(), photographic=True)
        self.stills = [*self.stills, display_live(still, data, metadata)]


def draw_on(video: Path | str, frame: int = 0, mask: Mask | None = None) -> MaskDrawing:
    """Draw on a frame of your own video.

    To track it then: ``track_bidirectional(model, Video("mine", frames_of(video), given={frame: drawing.mask}))``. Or
    ``drawing.save("first.png")``, and in a terminal ``tbd track VIDEO --mask first.png --frame FRAME --out FOLDER``.

    Args:
        video: a folder of frames or a video file.
        frame: number of the frame, from 0.
        mask: to begin with.

    Raises:
        InputError: no such folder or file; no such frame; what ``MaskDrawing`` refuses.
    """
    found = next(islice(frames_of(Path(video)), frame, None), None) if frame >= 0 else None
    if found is None:
        raise InputError(f"{video}: found no frame {frame}, expected a number from 0 to that of its last frame")
    return MaskDrawing(found.image, mask)
