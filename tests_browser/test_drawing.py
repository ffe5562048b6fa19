"""The canvas on which people draw: what mouse, fingers and keys draw is the kernel's mask, pixel for pixel."""

import json
from collections.abc import Iterator
from pathlib import Path

import nbformat
import numpy as np
import pytest
from nbformat.v4 import new_code_cell, new_notebook
from playwright.sync_api import CDPSession, Locator, expect
from scipy import ndimage

from tbd_lib.course.widgets.drawing import HERE
from tbd_lib.video.annotations import Shape, draw
from tbd_lib.video.overlay import COLOURS, OPACITY
from tests_browser.lab import Lab
from tools.run_notebooks import METADATA

ROWS, COLUMNS = 240, 427
SHOW = f"""
import json
import numpy as np
from tbd_lib.datasets.davis import find
from tbd_lib.course.widgets import MaskDrawing

start = np.zeros(({ROWS}, {COLUMNS}), np.uint8)
start[200:230, 300:400] = 7
drawing = MaskDrawing(find("late-entry").frames[12].image, start)
drawing
"""
ASK = "print(json.dumps([drawing.shapes, drawing.mask.tobytes().hex()]))"
SHOWN, ASKED = 0, 1  # cells
TRIANGLE = [(40, 30), (200, 50), (90, 180)]
PAINTED = "([columns, rows, shapes]) => Array.from(idsOf(columns, rows, new Uint8Array(), shapes))"
SEEN = """(canvas, [x, y]) => Array.from(
    canvas.getContext('2d').getImageData(x * canvas.width, y * canvas.height, 1, 1).data.slice(0, 3)
)"""
Pixel = tuple[int, int]


def start() -> np.ndarray:
    mask = np.zeros((ROWS, COLUMNS), np.uint8)
    mask[200:230, 300:400] = 7
    return mask


def shape(number: int, kind: str, *corners: Pixel, remove: bool = False) -> Shape:
    plain = [list(corner) for corner in corners]
    return {"object": number, "kind": kind, "corners": plain, "remove": remove}  # pyright: ignore[reportReturnType]


class Canvas:
    """A drawing on a page, and the kernel behind it."""

    def __init__(self, lab: Lab) -> None:
        self.lab, self.page = lab, lab.page
        self.root: Locator = lab.widget(SHOWN)
        self.frame = self.root.get_by_role("application")
        self.status = self.root.get_by_role("status")

    def place(self, pixel: Pixel) -> tuple[float, float]:
        """Where on the page the middle of a pixel is."""
        self.frame.scroll_into_view_if_needed()
        box = self.frame.bounding_box()
        assert box is not None
        x, y = pixel
        return box["x"] + (x + 0.5) * box["width"] / COLUMNS, box["y"] + (y + 0.5) * box["height"] / ROWS

    def click(self, *pixels: Pixel, twice: bool = False) -> None:
        for pixel in pixels:
            self.page.mouse.click(*self.place(pixel), click_count=2 if twice else 1)

    def drag(self, begin: Pixel, end: Pixel) -> None:
        self.page.mouse.move(*self.place(begin))
        self.page.mouse.down()
        self.page.mouse.move(*self.place(end), steps=3)
        self.page.mouse.up()

    def press(self, *keys: str) -> None:
        for key in keys:
            self.page.keyboard.press(key)

    def button(self, name: str) -> None:
        self.root.get_by_role("button", name=name).click()

    def choose(self, number: int) -> None:
        self.root.get_by_label("Object", exact=True).fill(str(number))

    def held(self) -> tuple[list[Shape], np.ndarray]:
        """Shapes and mask of the kernel."""
        shapes, mask = json.loads(self.lab.ask(ASKED, ASK))
        return shapes, np.frombuffer(bytes.fromhex(mask), np.uint8).reshape(ROWS, COLUMNS)

    def holds(self, *shapes: Shape) -> None:
        """That the kernel has these shapes, and the mask that they make."""
        found, mask = self.held()
        assert found == list(shapes)
        assert np.array_equal(mask, draw(start(), shapes))


@pytest.fixture(scope="module")
def page(lab: Lab) -> Iterator[Lab]:
    """A notebook that shows a drawing."""
    cells = [new_code_cell(SHOW), new_code_cell("")]
    nbformat.write(new_notebook(cells=cells, metadata=METADATA), lab.server.root / "drawing.ipynb")
    lab.open("drawing.ipynb")
    yield lab
    lab.close()
    lab.take_complaints()


@pytest.fixture
def canvas(page: Lab) -> Iterator[Canvas]:
    """A new drawing, on which something is marked already. A test ends without errors or requests to elsewhere."""
    page.run_cell(SHOWN)
    yield Canvas(page)
    assert page.take_complaints() == ([], [])


@pytest.fixture
def devtools(canvas: Canvas) -> Iterator[CDPSession]:
    """What changes the screen and touches it; afterwards the screen is as before."""
    session = canvas.page.context.new_cdp_session(canvas.page)
    yield session
    session.send("Emulation.clearDeviceMetricsOverride")
    session.detach()


def test_polygons_close_in_three_ways_and_lie_on_top_of_one_another(canvas: Canvas):
    canvas.click(*TRIANGLE)
    expect(canvas.status).to_contain_text("3 corners; Enter, a double click or the first corner closes.")
    canvas.press("Enter")
    expect(canvas.status).to_have_text("Object 1: polygon added.")
    first = shape(1, "polygon", *TRIANGLE)
    canvas.holds(first)
    canvas.choose(2)
    moved = [(x + 50, y + 20) for x, y in TRIANGLE]
    canvas.click(*moved, moved[0])
    second = shape(2, "polygon", *moved)
    canvas.holds(first, second)
    canvas.choose(254)
    low = [(20, 200), (120, 210), (60, 230)]
    canvas.click(*low[:2])
    canvas.click(low[2], twice=True)
    canvas.holds(first, second, shape(254, "polygon", *low))


def test_boxes_are_dragged_or_clicked_and_hold_both_pixels(canvas: Canvas):
    canvas.button("Box")
    canvas.drag((100, 120), (60, 40))
    first = shape(1, "box", (60, 40), (101, 121))
    canvas.holds(first)
    canvas.click((0, 0), (COLUMNS - 1, 9))
    second = shape(1, "box", (0, 0), (COLUMNS, 10))
    canvas.holds(first, second)
    canvas.button("Remove")
    canvas.drag((0, 4), (COLUMNS + 20, -20))
    canvas.holds(first, second, shape(1, "box", (0, 0), (COLUMNS, 5), remove=True))


@pytest.mark.parametrize(("width", "ratio"), [(1400, 2.0), (720, 1.0), (560, 1.5)])
def test_pixels_are_the_frames_own_on_every_screen(canvas: Canvas, devtools: CDPSession, width: int, ratio: float):
    screen = {"width": width, "height": 1000, "deviceScaleFactor": ratio, "mobile": False}
    devtools.send("Emulation.setDeviceMetricsOverride", screen)
    canvas.page.wait_for_function("ratio => devicePixelRatio === ratio", arg=ratio)
    canvas.click(*TRIANGLE)
    canvas.press("Enter")
    canvas.button("Box")
    canvas.drag((250, 40), (411, 171))
    canvas.holds(shape(1, "polygon", *TRIANGLE), shape(1, "box", (250, 40), (412, 172)))
    assert canvas.frame.evaluate("canvas => Math.abs(canvas.width - devicePixelRatio * canvas.clientWidth)") <= 1, (
        "sharp"
    )


def test_everything_can_be_done_by_keyboard(canvas: Canvas):
    canvas.root.get_by_role("button", name="Polygon").focus()
    canvas.press("x", "Tab", "Enter")  # JupyterLab would cut the cell; then Box
    canvas.press("Tab", "Tab", "ArrowUp")  # past Remove: the object's number
    canvas.press("Tab", "Tab", "Tab")  # past Undo and Clear
    expect(canvas.frame).to_be_focused()
    canvas.press("x")
    canvas.press("Shift+ArrowUp", "Space", "ArrowRight", "ArrowDown", "ArrowDown")
    x, y = COLUMNS // 2, ROWS // 2 - 10
    expect(canvas.status).to_contain_text(f"Column {x + 1}, row {y + 2}. One corner")
    canvas.press("Enter")
    box = shape(2, "box", (x, y), (x + 2, y + 3))
    canvas.holds(box)
    canvas.button("Polygon")
    canvas.frame.focus()
    canvas.press("Space", "Shift+ArrowLeft", "Space", "Enter")
    expect(canvas.status).to_contain_text("2 corners; a polygon needs three.")
    canvas.press("Shift+ArrowDown", "Space", "Enter")
    x, y = x + 1, y + 2
    canvas.holds(box, shape(2, "polygon", (x, y), (x - 10, y), (x - 10, y + 10)))


def test_fingers_draw(canvas: Canvas, devtools: CDPSession):
    devtools.send("Emulation.setTouchEmulationEnabled", {"enabled": True, "maxTouchPoints": 1})

    def touch(kind: str, *pixels: Pixel) -> None:
        points = [dict(zip("xy", canvas.place(pixel), strict=True)) for pixel in pixels]
        devtools.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})

    for corner in [*TRIANGLE, TRIANGLE[0]]:
        touch("touchStart", corner)
        touch("touchEnd")
    canvas.holds(shape(1, "polygon", *TRIANGLE))
    canvas.button("Box")
    touch("touchStart", (250, 40))
    touch("touchMove", (300, 90))
    touch("touchMove", (320, 100))
    touch("touchEnd")
    canvas.holds(shape(1, "polygon", *TRIANGLE), shape(1, "box", (250, 40), (321, 101)))
    devtools.send("Emulation.setTouchEmulationEnabled", {"enabled": False})


def test_what_is_drawn_can_be_taken_back(canvas: Canvas):
    canvas.click((5, 5), *TRIANGLE)
    canvas.press("Backspace", "Escape")
    canvas.click(*TRIANGLE, (5, 5))
    canvas.press("Backspace", "Enter")
    canvas.button("Box")
    canvas.click((9, 9))
    canvas.press("Escape")
    canvas.drag((250, 40), (411, 171))
    polygon = shape(1, "polygon", *TRIANGLE)
    canvas.holds(polygon, shape(1, "box", (250, 40), (412, 172)))
    canvas.frame.press("Control+z")
    canvas.holds(polygon)
    canvas.button("Clear object 1")
    canvas.holds()
    canvas.button("Undo")
    canvas.holds(polygon)
    canvas.choose(7)
    canvas.button("Clear object 7")
    canvas.holds(shape(7, "box", (0, 0), (COLUMNS, ROWS), remove=True), polygon)
    for _ in range(3):
        canvas.button("Undo")
    expect(canvas.status).to_have_text("Nothing to undo.")
    canvas.holds()


def test_what_code_sets_is_seen_and_undone_like_what_is_drawn(canvas: Canvas):
    outside = canvas.frame.evaluate(SEEN, [0.9, 0.1])
    canvas.lab.ask(ASKED, "drawing.shapes = [{'object': 3, 'kind': 'box', 'corners': [[213, 0], [427, 120]]}]")
    inside = np.array(canvas.frame.evaluate(SEEN, [0.9, 0.1]))
    assert np.abs(inside - (OPACITY * COLOURS[3] + (1 - OPACITY) * np.array(outside))).max() < 4
    canvas.button("Undo")
    assert canvas.frame.evaluate(SEEN, [0.9, 0.1]) == outside


def test_what_the_kernel_refuses_is_said(canvas: Canvas):
    canvas.lab.ask(ASKED, "_ = drawing._accepted([{}])")
    expect(canvas.status).to_have_text(
        "Not taken: shape 0: found nothing, expected object, kind, corners, and remove if anything is to be taken away"
    )
    canvas.choose(300)
    expect(canvas.status).to_have_text("An object's number is 1 to 254.")
    canvas.button("Box")
    canvas.drag((10, 10), (19, 19))
    canvas.holds(shape(1, "box", (10, 10), (20, 20)))


def test_what_is_painted_is_the_mask_but_for_pixels_at_an_edge(canvas: Canvas):
    """The page paints at once and by itself; Python's mask is what counts."""
    random = np.random.default_rng(0)
    script, none = (HERE / "painting.js").read_text(), np.zeros((ROWS, COLUMNS), np.uint8)
    same = 0
    for _ in range(20):
        angles = np.sort(random.uniform(0, 2 * np.pi, random.integers(3, 9)))
        reach = random.uniform(20, 140, len(angles))
        corners = [(int(200 + r * np.cos(a)), int(120 + r * np.sin(a))) for r, a in zip(reach, angles, strict=True)]
        shapes = [shape(1, "polygon", *corners), shape(1, "box", (190, 0), (200, 90), remove=True)]
        painted = canvas.page.evaluate(f"given => {{ {script}; return ({PAINTED})(given); }}", [COLUMNS, ROWS, shapes])
        mask, painted = draw(none, shapes) > 0, np.array(painted).reshape(ROWS, COLUMNS) > 0
        edge = np.not_equal(ndimage.binary_dilation(mask), ndimage.binary_erosion(mask))
        assert not ((mask != painted) & ~edge).any()
        same += np.array_equal(mask, painted)
    assert same > 10


def test_a_drawing_looks_like_this(canvas: Canvas, screenshots: Path | None):
    canvas.click((132, 132), (113, 122), (91, 128), (65, 98), (80, 57), (101, 55), (117, 38), (152, 62), (160, 100))
    canvas.press("Enter")
    canvas.button("Remove")
    canvas.button("Box")
    canvas.drag((100, 75), (125, 100))
    canvas.button("Remove")
    canvas.choose(2)
    canvas.drag((147, 124), (248, 223))
    canvas.choose(3)
    canvas.button("Polygon")
    canvas.click((170, 68), (190, 30), (230, 16), (272, 50))
    canvas.page.mouse.move(*canvas.place((262, 100)))
    assert canvas.root.evaluate("root => root.scrollWidth <= root.clientWidth")
    if screenshots:
        canvas.root.screenshot(path=screenshots / "drawing.png")
        canvas.frame.press("ArrowDown")
        canvas.root.screenshot(path=screenshots / "drawing-keyboard.png")
