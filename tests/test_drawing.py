"""The mask that people draw: what page and code set is the same, what is saved is what was drawn, nothing leaves."""

import json
from io import BytesIO
from pathlib import Path

import IPython.display
import numpy as np
import pytest
from PIL import Image as Pictures

from tbd_lib.course.widgets import MaskDrawing, draw_on
from tbd_lib.course.widgets.drawing import HERE
from tbd_lib.course.widgets.inspector import WIDGET_VIEW
from tbd_lib.errors import InputError
from tbd_lib.video.annotations import Shape, draw, polygon_mask
from tbd_lib.video.frames import FolderFrames, Video, frames_of, write_image
from tbd_lib.video.masks import read_mask
from tbd_lib.video.overlay import COLOURS, OPACITY, OverlayWriter

ROWS, COLUMNS = 40, 60
POLYGON: Shape = {"object": 1, "kind": "polygon", "corners": [[5, 5], [30, 8], [20, 30]], "remove": False}
BOX: Shape = {"object": 2, "kind": "box", "corners": [[10, 10], [40, 20]], "remove": False}
HOLE: Shape = {"object": 1, "kind": "box", "corners": [[0, 0], [18, 40]], "remove": True}


def frame(number: int = 0) -> np.ndarray:
    return np.random.default_rng(number).integers(0, 256, (ROWS, COLUMNS, 3), np.uint8)


def start() -> np.ndarray:
    mask = np.zeros((ROWS, COLUMNS), np.uint8)
    mask[30:, 40:] = 9
    return mask


@pytest.fixture
def drawing() -> MaskDrawing:
    return MaskDrawing(frame())


@pytest.fixture
def sent(drawing: MaskDrawing, monkeypatch: pytest.MonkeyPatch) -> list[dict]:
    """The messages to the page, apart from the state."""
    messages: list[dict] = []
    monkeypatch.setattr(drawing, "send", messages.append)
    return messages


def from_page(drawing: MaskDrawing, shapes: object) -> None:
    """As ipywidgets takes what a browser sends: as JSON."""
    drawing.set_state({"shapes": json.loads(json.dumps(shapes))})


def test_the_mask_is_the_shapes_in_order_whoever_sets_them(drawing: MaskDrawing):
    assert drawing.shapes == () and drawing.mask.dtype == np.uint8 and not drawing.mask.any()
    drawing.shapes = [POLYGON, BOX, HOLE]
    expected = draw(np.zeros((ROWS, COLUMNS), np.uint8), [POLYGON, BOX, HOLE])
    assert np.array_equal(drawing.mask, expected) and set(np.unique(expected)) == {0, 1, 2}
    other = MaskDrawing(frame())
    from_page(other, [POLYGON, BOX, HOLE])
    assert np.array_equal(other.mask, expected) and other.shapes == drawing.shapes
    drawing.shapes = drawing.shapes[:1]  # this is how shapes are taken back
    assert np.array_equal(drawing.mask, polygon_mask((ROWS, COLUMNS), POLYGON["corners"]))


def test_shapes_cannot_be_added_behind_the_pages_back(drawing: MaskDrawing):
    mine = [POLYGON]
    drawing.shapes = mine
    mine.append(BOX)
    assert len(drawing.shapes) == 1 and not hasattr(drawing.shapes, "append")


def test_a_mask_to_begin_with_is_edited_and_stays_as_it_is():
    given = start()
    drawing = MaskDrawing(frame(), given)
    assert np.array_equal(drawing.mask, given) and bytes(drawing.start) == given.tobytes()
    drawing.shapes = [POLYGON, {**HOLE, "object": 9, "corners": [[50, 0], [60, 40]]}]
    assert (drawing.mask[30:, 40:50] == 9).all() and not drawing.mask[30:, 50:].any() and (drawing.mask == 1).any()
    assert np.array_equal(given, start())
    given[:] = 3
    assert not (drawing.mask == 3).any()
    with pytest.raises(InputError, match="mask: found a mask of 60x39 pixels, expected 60x40"):
        MaskDrawing(frame(), start()[1:])


def test_what_goes_to_the_page_is_json_frame_and_palette(drawing: MaskDrawing):
    drawing.shapes = [POLYGON, BOX]
    state = drawing.get_state()
    assert json.loads(json.dumps(state["shapes"])) == state["shapes"] == [POLYGON, BOX]
    assert (state["rows"], state["columns"], state["start"]) == (ROWS, COLUMNS, b"")
    assert Pictures.open(BytesIO(state["picture"])).size == (COLUMNS, ROWS)
    assert bytes(state["colours"]) == COLOURS.tobytes()


def test_a_large_frame_is_sent_smaller_and_counted_in_its_own_pixels():
    drawing = MaskDrawing(np.zeros((1500, 4000, 3), np.uint8))
    assert Pictures.open(BytesIO(drawing.picture)).size == (1920, 720)
    drawing.shapes = [{"object": 1, "kind": "box", "corners": [[3990, 1490], [4000, 1500]]}]
    assert drawing.mask[1490:, 3990:].all() and np.count_nonzero(drawing.mask) == 100


@pytest.mark.parametrize("wrong", [[{**POLYGON, "object": 300}], [{**POLYGON, "corners": [[1, 1]]}], None, [BOX, 5]])
def test_bad_shapes_are_refused_and_what_was_drawn_stays(drawing: MaskDrawing, sent: list[dict], wrong: object):
    drawing.shapes = [BOX]
    with pytest.raises(InputError, match=r"^shape"):
        drawing.shapes = wrong
    assert drawing.shapes == (BOX,) and sent == []
    with pytest.raises(InputError), drawing.hold_trait_notifications():
        drawing.shapes = wrong
    assert drawing.shapes == (BOX,)


def test_bad_shapes_from_a_page_are_left_out_and_it_is_told(
    drawing: MaskDrawing, sent: list[dict], monkeypatch: pytest.MonkeyPatch
):
    drawing.shapes = [BOX]
    restored: list[str] = []
    monkeypatch.setattr(drawing, "send_state", restored.append)
    from_page(drawing, [BOX, {**POLYGON, "object": 0}])
    assert drawing.shapes == (BOX,) and restored == ["shapes"]
    assert sent == [{"refused": "shape 1: found object 0, expected an id from 1 to 254"}]


def test_what_is_saved_is_what_was_drawn_and_no_file_is_lost(drawing: MaskDrawing, tmp_path: Path):
    place = tmp_path / "new" / "first.png"
    with pytest.raises(InputError, match=r"first\.png: found background \(0\) only"):
        drawing.save(place)
    drawing.shapes = [POLYGON, BOX]
    drawing.save(str(place))
    before = place.read_bytes()
    assert np.array_equal(read_mask(place), drawing.mask)
    drawing.shapes = [POLYGON]
    with pytest.raises(InputError, match=r"first\.png: exists already"):
        drawing.save(place)
    assert place.read_bytes() == before
    drawing.save(place, overwrite=True)
    assert np.array_equal(read_mask(place), drawing.mask)
    with pytest.raises(InputError, match=r"found the suffix '\.jpg', expected \.png"):
        drawing.save(tmp_path / "first.jpg")
    assert [path.name for path in place.parent.iterdir()] == ["first.png"]


@pytest.fixture
def film(tmp_path: Path) -> Path:
    with OverlayWriter(tmp_path / "film.mp4", 24.0) as writer:
        for number in range(4):
            writer.write(np.full((ROWS, COLUMNS, 3), 60 * number, np.uint8))
    return tmp_path / "film.mp4"


def test_any_frame_of_a_film_or_a_folder_can_be_drawn_on(film: Path, tmp_path: Path):
    for number in range(3):
        write_image(tmp_path / f"frames/{number}.png", frame(number))
    assert abs(draw_on(film, 2).image.astype(int) - 120).max() < 8
    assert np.array_equal(draw_on(str(tmp_path / "frames"), 1).image, frame(1))
    assert np.array_equal(draw_on(tmp_path / "frames", mask=start()).mask, start())
    video = Video("mine", frames_of(tmp_path / "frames"), given={1: draw_on(tmp_path / "frames", 1, start()).mask})
    assert isinstance(video.frames, FolderFrames) and np.array_equal(video.given[1], start())


def test_a_frame_or_a_video_that_is_not_there_is_named(film: Path, tmp_path: Path):
    for number in (4, -1):
        with pytest.raises(InputError, match=rf"film\.mp4: found no frame {number}, expected a number from 0"):
            draw_on(film, number)
    with pytest.raises(InputError, match=r"none\.mp4: no such folder or file"):
        draw_on(tmp_path / "none.mp4")


def test_displayed_are_the_widget_and_a_picture_for_pages_without_a_kernel(
    drawing: MaskDrawing, monkeypatch: pytest.MonkeyPatch
):
    found = []
    monkeypatch.setattr(IPython.display, "display", lambda data, raw, metadata: found.append((data, metadata)))
    drawing.shapes = [BOX]
    drawing._ipython_display_()
    (first, metadata), (caption, _) = found
    assert first[WIDGET_VIEW]["model_id"] == drawing.model_id and "image/jpeg" in first
    summary = "A frame of 60x40 pixels, 1 shape drawn: object 2 has 300 px."
    assert f'class="{drawing.stills[0]}"' in caption["text/html"]
    assert first["text/plain"] == caption["text/plain"] == metadata["image/jpeg"]["alt"] == f"As first shown: {summary}"
    assert repr(drawing) == f"MaskDrawing: {summary}"
    assert "0 shapes drawn: no object" in repr(MaskDrawing(frame()))


def test_the_page_paints_as_strongly_as_an_overlay_does():
    assert f"const OPACITY = {OPACITY};" in (HERE / "painting.js").read_text()
