"""The page in ``web/``: its masks are the package's, what it saves is read back, and bad input is refused in place."""

import io
import json
from collections.abc import Callable, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from PIL import Image as Pictures
from playwright.sync_api import Browser, Dialog, Route, expect
from pycocotools import mask as run_lengths

from tbd_lib import TrackConfig, Tracker, bundled_model, shared
from tbd_lib.course.widgets.history import SCORES
from tbd_lib.datasets.davis import find
from tbd_lib.video.annotations import polygon_mask
from tbd_lib.video.masks import PALETTE, write_mask
from tbd_lib.video.overlay import OverlayWriter
from tests_browser.web import WAIT, Web
from tools.serve_web import DIST, ISOLATION

ROOT = Path(__file__).parents[1]
SIZE = (427, 240)
CUP = [(205, 32), (285, 30), (283, 120), (278, 212), (228, 216), (212, 120)]
CONFIG = TrackConfig(short_side=240)
MEGABYTE = 1_000_000


def frames(count: int) -> list[np.ndarray]:
    """The first frames of a real clip."""
    return [frame.image for frame in islice(find("cup-in-hand").frames, count)]


@pytest.fixture(scope="session")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Callable[[int], list[Path]]:
    """The clip as pictures without losses."""
    folder = tmp_path_factory.mktemp("clip")

    def made(count: int) -> list[Path]:
        paths = [folder / f"{i:05}.png" for i in range(count)]
        for path, image in zip(paths, frames(count), strict=True):
            if not path.exists():
                Pictures.fromarray(image).save(path)
        return paths

    return made


def film(path: Path, images: list[np.ndarray], codec: str | None = None) -> Path:
    """The images as a film; by default in H.264."""
    if codec is None:
        with OverlayWriter(path, 25) as writer:
            for image in images:
                writer.write(image)
        return path
    with av.open(str(path), "w") as target:
        stream: Any = target.add_stream(codec, rate=25)
        stream.height, stream.width = (side - side % 2 for side in images[0].shape[:2])
        stream.pix_fmt = "yuv420p"
        for image in images:
            target.mux(stream.encode(av.VideoFrame.from_ndarray(image[: stream.height, : stream.width].copy())))
        target.mux(stream.encode())
    return path


def tracked(images: list[np.ndarray], given: dict[int, np.ndarray]) -> list[np.ndarray]:
    """The package's masks."""
    tracker = Tracker(shared(bundled_model()), CONFIG)
    return [tracker.step(image, given.get(i)).mask for i, image in enumerate(images)]


def different(mask: np.ndarray, other: np.ndarray) -> float:
    return float((mask != other).mean())


def most_different(masks: Sequence[np.ndarray], others: Sequence[np.ndarray]) -> float:
    """Of as many masks, those of the frame in which most pixels differ."""
    return max(different(*pair) for pair in zip(masks, others, strict=True))


def test_24_frames_give_the_masks_of_the_package(web: Web, pictures: Callable[[int], list[Path]]) -> None:
    web.open(*pictures(24))
    web.polygon(CUP, SIZE)
    web.track()
    masks = web.masks()
    assert list(masks) == [f"{i:05}" for i in range(24)]
    given = polygon_mask((240, 427), CUP)
    assert different(masks["00000"], given) < 0.001  # pixels that an edge cuts
    expected = tracked(frames(24), {0: masks["00000"]})
    assert most_different(list(masks.values()), expected) <= 0.001
    assert min(int(mask.max()) for mask in masks.values()) == 1


def test_a_correction_in_the_middle_is_gone_on_from_as_the_package_does(
    web: Web, pictures: Callable[[int], list[Path]]
) -> None:
    web.open(*pictures(7))
    web.go_to(2)
    web.polygon(CUP, SIZE)
    web.track()
    web.go_to(1)
    web.polygon(CUP, SIZE)  # before the first frame of all that was tracked, for which it changes nothing
    web.go_to(5)
    web.page.get_by_label("Object", exact=True).fill("2")
    web.box((310, 90), (400, 150), SIZE)
    web.says("Object 2: added")
    web.track()
    masks = list(web.masks().values())
    box = np.zeros((240, 427), np.uint8)
    box[90:151, 310:401] = 2
    expected = tracked(frames(7)[1:], {0: masks[1], 3: box})
    assert np.array_equal(masks[4] == 2, box == 2)
    assert most_different(masks[1:], expected) <= 0.001
    web.button("Undo")
    web.says("Undone")
    assert np.array_equal(web.masks()["00004"], np.where(masks[4] == 1, 1, 0))


def test_undo_takes_back_what_was_drawn_and_not_what_was_tracked_since(
    web: Web, pictures: Callable[[int], list[Path]]
) -> None:
    web.open(*pictures(3))
    web.polygon(CUP, SIZE)
    web.go_to(3)
    web.page.get_by_label("Object", exact=True).fill("2")
    web.box((310, 90), (400, 150), SIZE)
    web.go_to(1)
    web.track()
    before = web.masks()
    assert set(np.unique(before["00002"])) == {0, 1, 2}
    web.button("Undo")
    web.says("Undone")
    assert np.array_equal(web.masks()["00002"], np.where(before["00002"] == 1, 1, 0))


def test_escape_discards_a_stroke(web: Web, pictures: Callable[[int], list[Path]]) -> None:
    web.open(*pictures(1))
    web.canvas.focus()
    for key in (" ", "Shift+ArrowRight", "Escape"):
        web.page.keyboard.press(key)
    web.says("Discarded")
    web.page.locator("#forwards").click()
    web.says("Outline an object on this frame first")
    web.page.mouse.move(*web.place((60, 60), SIZE))
    web.page.mouse.down()
    web.page.keyboard.press("Escape")
    web.page.mouse.move(*web.place((200, 60), SIZE))
    web.page.mouse.up()
    web.says("Discarded")
    web.page.mouse.click(*web.place((300, 100), SIZE))
    web.says("Object 1: added")
    assert extent(web.masks()["00000"]) == [(92, 108), (292, 308)]


def extent(mask: np.ndarray) -> list[tuple[int, int]]:
    """The first and the last row, then column, with objects."""
    return [(int(places.min()), int(places.max())) for places in np.nonzero(mask)]


def test_a_second_finger_neither_paints_nor_lifts_the_brush(web: Web, pictures: Callable[[int], list[Path]]) -> None:
    web.open(*pictures(1))
    browser = web.page.context.new_cdp_session(web.page)

    def touch(kind: str, *pixels: tuple[int, int]) -> None:
        """What the fingers do; the first of them stays the first."""
        places = [web.place(pixel, SIZE) for pixel in pixels]
        points = [{"x": x, "y": y, "id": finger} for finger, (x, y) in enumerate(places)]
        browser.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})

    touch("touchStart", (40, 40))
    touch("touchStart", (40, 40), (300, 200))
    touch("touchMove", (40, 40), (300, 100))
    touch("touchMove", (40, 40))  # the second is lifted
    touch("touchMove", (100, 40))
    touch("touchEnd")
    web.says("Object 1: added")
    assert extent(web.masks()["00000"]) == [(32, 48), (32, 108)]


def test_stop_counts_while_the_model_is_still_loading(web: Web, pictures: Callable[[int], list[Path]]) -> None:
    held: list[Route] = []
    web.page.route("**/ort.wasm.gz", lambda route: held.append(route))
    with web.page.expect_request("**/ort.wasm.gz"):
        web.open(*pictures(2))
    web.polygon(CUP, SIZE)
    web.page.locator("#forwards").click()
    web.button("Stop")
    held[0].continue_()
    web.says("Stopped: 0 frames tracked")
    web.track()
    assert len(web.masks()) == 2


def test_int8_is_near_float32_which_can_be_gone_back_to(web: Web, pictures: Callable[[int], list[Path]]) -> None:
    web.open(*pictures(2))
    web.polygon(CUP, SIZE)
    found = {}
    for numbers in ("int8", "float32"):
        web.page.get_by_label("Numbers").select_option(numbers)
        web.go_to(1)
        web.track()
        masks = list(web.masks().values())
        found[numbers] = most_different(masks, tracked(frames(2), {0: masks[0]}))
    assert found["float32"] <= 0.001
    assert found["float32"] < found["int8"] < 0.01


def test_unsaved_masks_are_not_given_up_without_a_question(web: Web, pictures: Callable[[int], list[Path]]) -> None:
    asked: list[str] = []

    def stay(dialog: Dialog) -> None:
        asked.append(dialog.type)
        dialog.dismiss()

    web.page.on("dialog", stay)
    web.open(*pictures(1))
    web.polygon(CUP, SIZE)
    with web.page.expect_event("dialog"):
        web.button("Open the sample clip")
    with web.page.expect_event("dialog"):
        web.page.close(run_before_unload=True)
    assert asked == ["confirm", "beforeunload"]
    assert len(web.masks()) == 1
    web.open(*pictures(2))  # they are saved now
    assert len(asked) == 2


def test_backwards_is_the_video_turned_round(web: Web, pictures: Callable[[int], list[Path]]) -> None:
    web.open(*pictures(4))
    web.go_to(4)
    web.polygon(CUP, SIZE)
    web.track("backwards")
    masks = list(web.masks().values())
    expected = tracked(frames(4)[::-1], {0: masks[3]})[::-1]
    assert most_different(masks, expected) <= 0.001


def test_a_film_is_outlined_by_keys_and_every_saved_form_is_read_back(web: Web, tmp_path: Path) -> None:
    images = frames(3)
    web.open(film(tmp_path / "cup.mp4", images))
    expect(web.page.locator("#about")).to_contain_text("3 frames of 428x240 pixels")
    web.page.locator("#radius").fill("20")
    web.button("Brush")
    web.canvas.focus()
    for key in (" ", *["Shift+ArrowRight"] * 3, " ", "Shift+ArrowDown", "Control+z"):
        web.page.keyboard.press(key)
    web.says("Undone")
    for key in (" ", *["Shift+ArrowDown"] * 3, " "):
        web.page.keyboard.press(key)
    web.track()
    masks = web.masks()
    assert [mask.shape for mask in masks.values()] == [(240, 428)] * 3
    assert (masks["00000"] == 1).sum() > 40 * 30
    saved = json.loads(web.saved("Run lengths (COCO)"))
    assert [image["file_name"] for image in saved["images"]] == list(masks)
    for about, mask in zip(saved["annotations"], masks.values(), strict=True):
        code = about["segmentation"]
        assert np.array_equal(run_lengths.decode(code), mask == 1)
        assert about["area"] == run_lengths.area(code)
        assert about["bbox"] == run_lengths.toBbox(code).tolist()
    with av.open(io.BytesIO(web.saved("Overlay film")), "r") as overlay:
        shown = [frame.to_ndarray(format="rgb24").astype(int) for frame in overlay.decode(video=0)]
    assert len(shown) == 3
    inside = masks["00000"] == 1
    assert np.abs(shown[0] - np.pad(images[0], [(0, 0), (0, 1), (0, 0)], "edge"))[inside].mean() > 20  # tinted
    assert np.abs(shown[0] - np.pad(images[0], [(0, 0), (0, 1), (0, 0)], "edge"))[~inside].mean() < 10


def test_a_mask_from_a_picture_is_taken_by_its_ids(
    web: Web, pictures: Callable[[int], list[Path]], tmp_path: Path
) -> None:
    mask = np.zeros((240, 427), np.uint8)
    mask[50:90, 60:100], mask[120:150, 200:260] = 1, 7
    write_mask(tmp_path / "mask.png", mask)
    web.open(*pictures(1))
    web.page.locator("#mask").set_input_files(str(tmp_path / "mask.png"))
    web.says("2 objects")
    assert np.array_equal(web.masks()["00000"], mask)


def test_the_inspector_shows_the_scores_of_the_package(web: Web, pictures: Callable[[int], list[Path]]) -> None:
    web.open(*pictures(3))
    web.polygon(CUP, SIZE)
    web.track()
    web.page.locator("summary").click()
    expect(web.page.locator(".maps canvas")).to_have_count(10)
    web.page.mouse.move(*web.place((245, 120), SIZE))
    row, column = 120 // 16, (245 + 3) // 16  # 427 columns are padded by 3 on the left
    tracker = Tracker(shared(bundled_model()), CONFIG)
    given = web.masks()["00000"]
    step = [tracker.step(image, given if i == 0 else None) for i, image in enumerate(frames(3))][-1]
    assert step.scores is not None
    expected = {name: float(map[row, column]) for name, map in zip(SCORES, step.scores[0], strict=True)}
    web.page.mouse.move(*web.place((245, 121), SIZE))
    cells = web.page.locator("tbody tr").all()
    found = {cell.locator("th").inner_text().replace(",", ""): cell.locator("td").all_inner_texts() for cell in cells}
    assert found.keys() == expected.keys()
    for name, texts in found.items():
        assert float(texts[-1]) == pytest.approx(expected[name], abs=0.006)
        if name.startswith("local"):
            factors = np.prod([float(text) for text in texts[1:4]])
            assert factors == pytest.approx(float(texts[-1]), abs=0.02)
    web.button("Brush")
    web.page.mouse.click(*web.place((20, 20), SIZE))
    web.says("Object 1: added")
    web.page.mouse.move(*web.place((100, 200), SIZE))
    score = float(step.scores[0][SCORES.index("global background")][200 // 16, (100 + 3) // 16])
    shown = web.page.locator("tbody tr", has_text="global, background").locator("td").last
    expect(shown).to_have_text(f"{score:.2f}", timeout=WAIT)
    web.page.get_by_label("Distance score").uncheck()
    web.says("Track again")
    web.go_to(1)
    web.track()
    far = web.page.locator("tbody tr", has_text="local, foreground").locator("td").nth(3)
    expect(far).to_have_text("1.00", timeout=WAIT)


@pytest.mark.parametrize("look", ["light", "dark", "narrow"])
def test_the_page_is_accessible(
    look: str, web_address: str, browser: Browser, pictures: Callable[[int], list[Path]], screenshots: Path | None
) -> None:
    width = 360 if look == "narrow" else 1100
    scheme = "dark" if look == "dark" else "light"
    context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme, bypass_csp=True)
    web = Web(context, web_address)
    web.open(*pictures(2))
    web.polygon(CUP, SIZE)
    web.track()
    expect(web.page.locator("#forwards")).to_be_focused()
    web.page.locator("summary").click()
    expect(web.page.locator("tbody tr")).to_have_count(10)
    if screenshots:
        web.page.screenshot(path=screenshots / f"web_{look}.png", full_page=True)
    assert web.page.evaluate("document.documentElement.scrollWidth") <= width
    web.page.add_script_tag(path=ROOT / "web" / "node_modules" / "axe-core" / "axe.min.js")
    found = web.page.evaluate("axe.run().then(found => found.violations.map(v => [v.id, v.nodes.map(n => n.html)]))")
    assert found == []
    reached = web.page.evaluate(
        "Array.from(document.querySelectorAll('button, input, select, a, summary')).filter(e => e.tabIndex < 0).length"
    )
    assert reached == 0
    context.close()
    assert web.errors == []


def no_film(folder: Path) -> list[Path]:
    path = folder / "notes.mp4"
    path.write_text("these are notes")
    return [path]


def unknown_codec(folder: Path) -> list[Path]:
    return [film(folder / "old.mp4", frames(2), "mpeg4")]


def two_sizes(folder: Path) -> list[Path]:
    paths = [folder / "1.png", folder / "2.png"]
    for path, size in zip(paths, [(64, 48), (48, 64)], strict=True):
        Pictures.new("RGB", size).save(path)
    return paths


def tiny(folder: Path) -> list[Path]:
    Pictures.new("RGB", (8, 8)).save(folder / "tiny.png")
    return [folder / "tiny.png"]


def two_films(folder: Path) -> list[Path]:
    paths = [folder / "a.mp4", folder / "b.mp4"]
    for path in paths:
        path.touch()
    return paths


def film_and_picture(folder: Path) -> list[Path]:
    return no_film(folder) + tiny(folder)


def folder_of_videos(folder: Path) -> list[Path]:
    for name in ("a", "b"):
        (folder / "videos" / name).mkdir(parents=True)
        Pictures.new("RGB", (64, 48)).save(folder / "videos" / name / "00000.png")
    return [folder / "videos"]


@pytest.mark.parametrize(
    "make, message",
    [
        (no_film, "notes.mp4 is not a film that this page can read. Choose an MP4"),
        (unknown_codec, "which this browser cannot decode. It decodes: H.264"),
        (tiny, "tiny.png is 8x8 pixels. A frame needs at least 16"),
        (two_films, "2 films were chosen. Choose one"),
        (film_and_picture, "A film and pictures were chosen together"),
        (folder_of_videos, "videos/a/00000.png and videos/b/00000.png would have masks of one name"),
    ],
)
def test_what_is_no_video_is_refused_in_place(
    make: Callable[[Path], list[Path]], message: str, web: Web, tmp_path: Path
) -> None:
    paths = make(tmp_path)
    field = "#folder" if paths[0].is_dir() else "#files"
    web.page.locator(field).set_input_files([str(path) for path in paths])
    web.problem(message)


def test_bad_files_in_the_middle_of_work_leave_the_masks(
    web: Web, pictures: Callable[[int], list[Path]], tmp_path: Path
) -> None:
    web.open(*pictures(1))
    web.polygon(CUP, SIZE)
    before = web.masks()["00000"]
    Pictures.new("L", (100, 50), 1).save(tmp_path / "mask.png")
    web.page.locator("#mask").set_input_files(str(tmp_path / "mask.png"))
    web.problem("mask.png has 100x50 pixels. A mask needs 427x240")
    web.page.locator("#files").set_input_files([str(path) for path in no_film(tmp_path)])
    web.problem("not a film")
    assert np.array_equal(web.masks()["00000"], before)


def test_a_frame_of_another_size_stops_there_and_says_so(web: Web, tmp_path: Path) -> None:
    web.open(*two_sizes(tmp_path))
    web.button("Next")
    web.problem("2.png is 48x64 pixels, the first picture 64x48")


def test_a_large_film_is_worked_on_at_a_bounded_size(web: Web, tmp_path: Path) -> None:
    Pictures.new("RGB", (3840, 2160), "grey").save(tmp_path / "large.png")
    web.open(tmp_path / "large.png")
    expect(web.page.locator("#about")).to_contain_text("3840x2160; it is worked on, and masks are saved, at 1920x1080")


def test_after_a_breakdown_masks_are_kept_and_work_goes_on(
    web: Web, web_address: str, pictures: Callable[[int], list[Path]]
) -> None:
    def breaking(route: Route) -> None:
        """The worker, which dies as the second frame has been tracked."""
        body = (DIST / "worker.js").read_text() + BREAKDOWN
        route.fulfill(content_type="text/javascript", headers=ISOLATION, body=body)
        web.page.unroute("**/worker.js")

    web.page.route("**/worker.js", breaking)
    web.page.goto(web_address)
    web.open(*pictures(3))
    web.polygon(CUP, SIZE)
    web.page.locator("#forwards").click()
    web.problem("Memory ran out")
    assert len(web.masks()) == 2
    web.go_to(2)
    web.track()
    assert len(web.masks()) == 3


BREAKDOWN = """
const post = self.postMessage;
self.postMessage = (message, ...more) => {
  post.call(self, message, ...more);
  if (message.event === "step" && message.frame === 1) setTimeout(() => { throw new RangeError("Out of memory"); });
};
"""


def test_memory_does_not_grow_with_the_frames_that_were_seen(web: Web, tmp_path: Path) -> None:
    """Of 10 frames and of 30, whose pixels differ by 33 MB, backwards, where frames are decoded in blocks.

    Each measurement takes a minute, for which Chromium waits in vain for an answer of the runtime's threads.
    """
    still = np.asarray(Pictures.fromarray(frames(1)[0]).resize((854, 480)))
    web.open(film(tmp_path / "long.mp4", [np.roll(still, i, 1) for i in range(30)]))
    used = []
    for first, last in ((30, 21), (20, 1)):
        for number in range(first, last - 1, -1):
            web.go_to(number)
        used.append(web.page.evaluate("performance.measureUserAgentSpecificMemory().then(found => found.bytes)"))
    assert used[1] - used[0] < 15 * MEGABYTE


def test_pages_and_models_are_small(web_address: str) -> None:
    assert sum(path.stat().st_size for path in DIST.rglob("*") if path.is_file()) < 12 * MEGABYTE


def test_no_machine_is_named_in_the_lock_file() -> None:
    assert '"resolved"' not in (ROOT / "web" / "package-lock.json").read_text()


def test_the_page_has_the_colours_of_the_package() -> None:
    built = ROOT / "web" / "build" / "constants.json"
    if not built.exists():
        pytest.skip("web/build is not there: `make web`, which needs npm")
    assert json.loads(built.read_text())["palette"] == PALETTE.tolist()
