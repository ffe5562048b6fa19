"""Inspectors that are pointed at: what pointer and keys choose is what the kernel shows, and what it shows is said."""

import re
from collections.abc import Iterator
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook
from playwright.sync_api import Locator, expect

from tbd_lib.course.widgets.board import HERE
from tests_browser.lab import ANSWER, Lab
from tools.run_notebooks import METADATA

SHORT = """
from dataclasses import replace
from tbd_lib.course.widgets import *
from tbd_lib.datasets.davis import find, sample
from tbd_lib.training.checkpoint import bundled_model

def short(name, frames=5):
    video = find(name)
    return replace(video, frames=list(video.frames[:frames]), truth=list(video.truth[:frames]))

model, twins = bundled_model(), short("occluded-twins")
history = History(model, twins)
"""
MADE = {
    "template": "TemplateInspector(model, [twins])",
    "distance": "DistanceInspector(model, twins, history=history)",
    "augmentation": "AugmentationInspector(sample('train'))",
    "timeline": "TrackerTimeline(model, twins, history=history)",
    "aggregation": "AggregationInspector(model, twins, history=history)",
}
ROWS, COLUMNS = 240, 427
CORE = "pointing.js"


class Shown:
    """An inspector on a page, and the kernel behind it."""

    def __init__(self, lab: Lab, name: str) -> None:
        self.lab, self.page, self.name = lab, lab.page, name
        self.cell = 1 + list(MADE).index(name)
        self.root: Locator = lab.widget(self.cell)
        self.caption = self.root.get_by_role("status")
        self.pictures = self.root.locator(".tbd-pointed")

    def ask(self, expression: str) -> str:
        """What the kernel says of the inspector, here called ``it``."""
        code = f"it = {self.name}\nprint({expression})"
        return self.lab.ask(len(MADE) + 1, code).removesuffix("\n")

    def follows(self) -> None:
        """That the page says what the kernel says, when it has said all."""
        caption, description = self.ask("it.caption + '|' + it.description").split("|")
        expect(self.caption).to_have_text(caption, timeout=ANSWER)
        expect(self.root.locator(".tbd-board")).to_have_attribute("aria-label", description)

    def place(self, element: Locator, x: float, y: float) -> tuple[float, float]:
        """A place on the page, from shares of an element's width and height."""
        self.lab.widget(self.cell)
        element.scroll_into_view_if_needed()
        self.page.wait_for_timeout(200)  # the notebook scrolls to the cell that was run last
        box = element.bounding_box()
        assert box is not None
        return box["x"] + x * box["width"], box["y"] + y * box["height"]

    def wait_for(self, expression: str, value: str) -> None:
        """Until the kernel's answer is this."""
        found = self.ask(expression)
        for _ in range(100):
            if found == value:
                return
            self.page.wait_for_timeout(100)
            found = self.ask(expression)
        assert found == value


@pytest.fixture(scope="module")
def notebook(lab: Lab) -> Iterator[Lab]:
    """A notebook with all five."""
    shown = [f"{name} = {code}\n{name}" for name, code in MADE.items()]
    cells = [new_code_cell(code) for code in (SHORT, *shown, "")]
    nbformat.write(new_notebook(cells=cells, metadata=METADATA), lab.server.root / "inspectors.ipynb")
    lab.open("inspectors.ipynb")
    for i in range(len(cells) - 1):
        lab.run_cell(i)
    yield lab
    lab.close()
    lab.take_complaints()


@pytest.fixture
def shown(request: pytest.FixtureRequest, notebook: Lab, screenshots: Path | None) -> Iterator[Shown]:
    """One of them. A test ends without errors or requests to elsewhere, and with nothing that is cut off."""
    inspector = Shown(notebook, request.param)
    yield inspector
    inspector.follows()
    if screenshots:
        inspector.root.screenshot(path=screenshots / f"inspector-{request.param}.png")
    assert inspector.root.evaluate("root => root.scrollWidth <= root.clientWidth")
    assert notebook.cut_off(inspector.root) == [] and notebook.take_complaints() == ([], [])


def of(name: str) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("shown", [name], indirect=True, ids=[name])


@of("template")
def test_the_query_follows_the_pointer_until_it_is_held_and_obeys_the_arrow_keys(shown: Shown) -> None:
    frame, low, high = shown.pictures.nth(0), (8.5 * 16 - 0) / ROWS, (11.5 * 16 - 3) / COLUMNS
    frame.press("Escape")
    shown.page.mouse.move(*shown.place(frame, high, low))
    shown.wait_for("it.query, it.held", "(8, 11) False")
    shown.page.mouse.click(*shown.place(frame, high + 16 / COLUMNS, low))
    shown.page.mouse.move(*shown.place(frame, 0.9, 0.9))
    shown.wait_for("it.query, it.held", "(8, 12) True")
    shown.follows()
    frame.press("ArrowDown")
    frame.press("Shift+ArrowRight")
    shown.wait_for("it.query, it.held", "(9, 16) True")
    shown.page.mouse.click(*shown.place(shown.pictures.nth(2), high, low))  # a map lies on the same grid
    shown.wait_for("it.query", "(8, 11)")


@of("template")
def test_lines_lead_from_the_query_to_the_best_matches_which_the_table_names(shown: Shown) -> None:
    shown.pictures.nth(0).focus()
    shown.page.keyboard.press("ArrowLeft")
    shown.follows()
    for region, row in (("foreground", 1), ("background", 2)):
        match = shown.ask(
            f"'%d %d %.2f %.2f %.2f %.2f' % (*(m := it.match('{region}')).template, m.share, m.cosine, m.near, m.score)"
        ).split()
        cells = shown.root.locator("table tr").nth(row).locator("th, td").all_text_contents()
        assert cells == [region, f"row {match[0]}, column {match[1]}", *match[2:]]
    lines = shown.root.locator(".tbd-marks line")
    expect(lines).to_have_count(4)  # two, each with a dark one below
    at = shown.ask("it.match('foreground').template, it.query")
    stored, here = re.findall(r"\((\d+), (\d+)\)", at)
    ends = lines.nth(1).evaluate("line => ['x1', 'y1', 'x2', 'y2'].map((name) => line[name].baseVal.value)")
    origin = shown.root.locator(".tbd-parts").bounding_box()
    for (row, column), (x, y), picture in zip((here, stored), (ends[:2], ends[2:]), (1, 0), strict=True):
        box = shown.root.locator(".tbd-picture").nth(picture).bounding_box()
        assert origin is not None and box is not None
        expected = (16 * int(column) + 8 - 3) / COLUMNS, (16 * int(row) + 8) / ROWS
        found = (x + origin["x"] - box["x"]) / box["width"], (y + origin["y"] - box["y"]) / box["height"]
        assert found == pytest.approx(expected, abs=0.01)


@of("distance")
def test_points_are_dragged_moved_by_keys_and_typed_and_j_follows(shown: Shown) -> None:
    points = shown.root.locator("circle")
    plot = shown.root.locator(".tbd-chart").first
    height = float(plot.get_attribute("viewBox").split()[-1])  # type: ignore[union-attr]
    level = lambda value: (10 + (1.02 - value) / 1.02 * (height - 48)) / height  # noqa: E731
    shown.page.mouse.move(*shown.place(points.nth(4), 0.5, 0.5))
    shown.page.mouse.down()
    for value in (0.3, 0.6, 0.8):
        shown.page.mouse.move(shown.place(points.nth(4), 0.5, 0.5)[0], shown.place(plot, 0, level(value))[1])
    shown.page.mouse.up()
    shown.wait_for("it.curve", "by hand")
    assert float(shown.ask("it.points[4]")) == pytest.approx(0.8, abs=0.02)
    points.nth(5).press("End")
    points.nth(6).press("Home")
    points.nth(6).press("ArrowUp")
    points.nth(6).press("Shift+ArrowUp")
    shown.root.get_by_label("score at distance 20, typed").fill("0.35")
    shown.page.keyboard.press("Tab")
    shown.wait_for("it.points[5:]", "(1.0, 0.06, 0.35)")
    shown.wait_for("len(it.j)", "5")  # the page has asked for all frames
    expect(shown.caption).to_contain_text("Over the whole video", timeout=ANSWER)
    shown.root.get_by_role("button", name="reset").click()
    shown.wait_for("it.curve, len(it.j)", "learned 5")


@of("distance")
def test_keys_that_are_pressed_while_the_kernel_computes_count_from_what_the_page_shows(shown: Shown) -> None:
    shown.ask("exec('from time import sleep; begin = type(it)._begin; it._begin = lambda: (sleep(1), begin(it))')")
    point = shown.root.locator("circle").nth(6)
    point.press("End")
    shown.page.wait_for_timeout(300)  # the kernel is at it
    point.press("ArrowDown")
    shown.page.wait_for_timeout(1300)  # the answer to the first key comes, the second one's is under way
    point.press("Shift+ArrowDown")
    shown.wait_for("it.points[6]", "0.94")
    expect(point).to_have_attribute("aria-valuenow", "0.94", timeout=ANSWER)
    shown.ask("exec('del it._begin; it.reset()')")
    shown.wait_for("it.curve", "learned")


@of("distance")
def test_a_frame_is_chosen_in_the_chart(shown: Shown) -> None:
    cover = shown.root.locator(".tbd-cover")
    shown.page.mouse.click(*shown.place(cover, 0.75, 0.5))
    shown.wait_for("it.frame", "3")
    cover.press("ArrowLeft")
    shown.wait_for("it.frame", "2")
    for _ in range(3):  # no further than the frames go
        cover.press("ArrowLeft")
    shown.wait_for("it.frame", "1")
    for value in ("aria-valuenow", "aria-valuemin"):
        expect(cover).to_have_attribute(value, "1", timeout=ANSWER)


@of("augmentation")
def test_dice_are_rolled_and_seeds_typed(shown: Shown) -> None:
    shown.root.get_by_role("spinbutton", name="seed").fill("11")
    shown.page.keyboard.press("Enter")
    shown.wait_for("it.seed", "11")
    shown.root.get_by_role("button", name="roll the dice").click()
    shown.wait_for("it.seed", "12")
    shown.root.get_by_role("button", name="next paste that covers").click()
    shown.follows()
    expect(shown.caption).to_contain_text("% of the target")


@of("timeline")
def test_a_correction_leaves_the_old_curve_and_is_taken_back(shown: Shown) -> None:
    shown.page.mouse.click(*shown.place(shown.root.locator(".tbd-cover").first, 0.5, 0.5))
    shown.wait_for("it.frame", "2")
    shown.root.get_by_role("button", name="correct here, track on").click()
    expect(shown.root.locator(".tbd-legend").first).to_have_text("J before correctionJ", timeout=ANSWER)
    shown.follows()
    gain = shown.ask("' '.join(f'{part:+.3f}' for part in it.gain.values())").split()
    assert shown.root.locator("table tr td:last-child").all_text_contents() == gain
    shown.root.get_by_role("button", name="reset").click()
    expect(shown.root.locator(".tbd-legend").first).to_have_text("", timeout=ANSWER)


@of("aggregation")
def test_the_odds_are_those_of_the_pixel_below_the_pointer(shown: Shown) -> None:
    frame = shown.pictures.first
    shown.page.mouse.click(*shown.place(frame, 200.5 / COLUMNS, 100.5 / ROWS))
    shown.wait_for("it.held", "True")
    row, column = map(int, re.findall(r"\d+", shown.ask("it.pixel")))
    assert (row, column) == pytest.approx((100, 200), abs=1)  # a browser clicks at whole pixels of the screen
    frame.press("Shift+ArrowLeft")
    frame.press("ArrowUp")
    shown.wait_for("it.pixel", f"({row - 1}, {column - 10})")
    shown.follows()
    alone = shown.ask("' '.join(f'{p:.3f}' for p in it.alone())").split()
    cells = shown.root.locator("table tr td:nth-child(2)").all_text_contents()
    assert cells[1:] == alone
    frame.press("Enter")
    shown.wait_for("it.held", "False")


@pytest.mark.parametrize("shown", MADE, indirect=True)
def test_the_sentence_of_the_still_is_hidden_while_the_widget_lives(shown: Shown) -> None:
    name = shown.ask("it.board.stills[-1]")
    still = shown.page.locator(f".{name}")
    expect(still).to_have_count(1)
    expect(still).to_be_hidden()


def test_cells_and_shares_are_one_anothers_inverse(lab: Lab) -> None:
    script = (HERE / "elements.js").read_text() + (HERE / CORE).read_text()
    code = """() => {
        const extent = [0.1875, 26.875, 15, 0], wrong = [];
        for (let row = 0; row < 15; row++) for (let column = 0; column < 27; column++) {
            const [x, y, width, height] = rectOf(extent, [row, column]);
            const back = cellAt(extent, x + width / 2, y + height / 2);
            if (String(back) !== String([row, column])) wrong.push([row, column]);
        }
        const edges = [cellAt(extent, 0, 0), cellAt(extent, 1, 1), cellAt(extent, -3, 9)];
        const moved = [neighbour(extent, [0, 0], [-1, 0], false), neighbour(extent, [5, 5], [1, 0], true)];
        const marks = [ticks(0, 23, 9), ticks(0, 3, 9, 1), ticks(0.9, 1, 5)];
        return [wrong, edges, moved, ...marks, ruler(0, 10, 40, 140).value(90)];
    }"""
    found = lab.page.evaluate(f"() => {{ {script}; return ({code})(); }}")
    assert found[:3] == [[], [[0, 0], [14, 26], [14, 0]], [[0, 0], [5, 9]]]
    assert found[3:] == [[0, 5, 10, 15, 20], [0, 1, 2, 3], [0.9, 0.92, 0.94, 0.96, 0.98, 1], 5]
