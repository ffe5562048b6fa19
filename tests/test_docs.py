"""README and docs say what is so: the tree, the examples, the commands, the files and the figures."""

import importlib
import json
import re
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from links import lost_links

from tbd_lib.cli.main import main
from tbd_lib.datasets.davis import sample
from tbd_lib.files import results_folder
from tbd_lib.method.aggregate import aggregate
from tbd_lib.method.config import SMALL
from tbd_lib.method.model import build_model
from tbd_lib.tracking.config import OWN_SIZE
from tbd_lib.tracking.tracker import regions_of, track
from tbd_lib.video.frames import Frame, Video, write_image
from tbd_lib.video.masks import write_mask
from tools.ablations import report
from tools.marked import marked

ROOT = Path(__file__).parents[1]
PAGES = [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").glob("*.md"))]
README = (ROOT / "README.md").read_text()
PAGE_IDS = [str(path.relative_to(ROOT)) for path in PAGES]


def blocks(text: str, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", text, re.MULTILINE | re.DOTALL)


def rows(text: str, first_cell: str) -> list[list[str]]:
    """The cells of the table whose head begins with this cell, without stars."""
    lines = text[text.index(f"| {first_cell} |") :].splitlines()
    table = [line for line in lines[: lines.index("") if "" in lines else None] if line.startswith("|")]
    return [[cell.strip(" *") for cell in line.strip("|").split("|")] for line in table[2:]]


# --- README


def test_the_readme_is_short() -> None:
    assert len(README.splitlines()) <= 150


def test_the_moving_picture_is_small() -> None:
    assert (ROOT / "docs" / "lookalike.webp").stat().st_size < 1.5e6


def listed(tree: str) -> dict[str, str]:
    """What a tree of two levels names, from the root, and what it says of it."""
    found, folder = {}, ""
    for line in tree.splitlines():
        indented, name, words = re.fullmatch(r"( *)(\S+) *(.*)", line).groups()  # type: ignore[union-attr]
        folder = folder if indented else (name if not words else "")
        found[(folder if indented else "") + name] = words
    return found


def test_the_tree_is_that_on_disk() -> None:
    (tree,) = blocks(README, "text")
    entries = listed(tree)
    assert [name for name in entries if not (ROOT / name).exists()] == []
    if not (ROOT / ".git").exists():
        pytest.skip("not a checkout: git alone knows which folders belong to the repository")
    tracked = subprocess.check_output(["git", "ls-files"], cwd=ROOT, text=True).splitlines()
    top = {f"{path.partition('/')[0]}/" for path in tracked if "/" in path and not path.startswith(".")}
    rooms = {
        f"tbd_lib/{path.split('/')[1]}/" for path in tracked if path.startswith("tbd_lib/") and path.count("/") > 1
    }
    files = {path for path in tracked if re.fullmatch(r"tbd_lib/[a-z]+\.py", path)}
    assert set(entries) == top | rooms | files
    steps = {path.stem for path in (ROOT / "tbd_lib" / "method").glob("*.py")} - {"__init__", "config", "shapes"}
    assert set(re.findall(r"\w+", entries["tbd_lib/method/"].partition(":")[2])) == steps
    assert set(re.findall(r"\w+", entries["docs/"])) == {path.stem for path in (ROOT / "docs").glob("*.md")}


def test_the_readme_lists_every_lesson_and_appendix() -> None:
    assert set(re.findall(r"\((notebooks/(?:\d\d|appendix)_\w+\.ipynb)\)", README)) == {
        f"notebooks/{path.name}" for path in (ROOT / "notebooks").glob("*.ipynb")
    }


# --- examples and commands


@pytest.mark.parametrize("path", PAGES, ids=PAGE_IDS)
def test_python_examples_run(path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    examples = blocks(path.read_text(), "python")
    if not examples:
        return
    video = sample("val")[0]
    for frame in list(video.frames)[:3]:
        write_image(tmp_path / "frames" / f"{frame.name}.jpg", frame.image)
    write_mask(tmp_path / "first.png", video.given[0])
    monkeypatch.chdir(tmp_path)
    for example in examples:
        exec(compile(example, str(path), "exec"), {})
    if path.name == "README.md":
        (example,) = examples
        assert len([line for line in example.splitlines() if line]) == 10
        assert (tmp_path / "tracked.mp4").stat().st_size > 1000


def commands(text: str) -> Iterator[tuple[str, list[str]]]:
    """Every command of the program in blocks of code, by its name (a stage of training, or a data set, with it)."""
    for block in blocks(text, "bash"):
        for line in re.sub(r"\\\n", " ", block).splitlines():
            for command in line.partition("#")[0].split("&&"):
                if found := re.search(r"(?:tbd|-m tbd_lib) ((?:train |prepare )?[\w-]+)(.*)", command):
                    yield found[1], re.findall(r"--[\w.-]+", found[2])


def test_commands_have_the_options_that_are_shown(capsys: pytest.CaptureFixture[str]) -> None:
    shown = [pair for path in PAGES for pair in commands(path.read_text())]
    assert len(shown) >= 15
    for name, options in shown:
        with pytest.raises(SystemExit, match="0"):
            main([*name.split(), "--help"])
        text = capsys.readouterr().out
        assert [option for option in options if not re.search(rf"{option}(?![\w-])", text)] == [], name


# --- files


def test_links_lead_somewhere() -> None:
    assert [f"{path.name}: {link}" for path in PAGES for link in lost_links(path.read_text(), path)] == []


def test_links_are_followed_to_files_and_headings() -> None:
    good = "[a](method.md) [b](course.md#references) ![c](method.svg) [d](#on-colab) [e](https://example.org/x)"
    lost = ["none.md", "course.md#none", "none.svg", "#none", "../notebooks/00_quickstart.ipynb#none", "gone.md"]
    text = " ".join(f"[x]({link})" for link in lost[:-1]) + ' <a href="gone.md">x</a>'
    assert lost_links(f"{good} {text}", ROOT / "docs" / "install.md") == lost


@pytest.mark.parametrize("path", PAGES, ids=PAGE_IDS)
def test_files_that_are_named_are_there(path: Path) -> None:
    """Of the repository, by their whole path, or from a room on as in docs/method.md."""
    named = re.findall(r"`([\w/.-]+/[\w.-]+\.(?:py|json|jsonl|md|txt)|[\w]+\.py)`", path.read_text())
    homes = [ROOT, ROOT / "tbd_lib", ROOT / "tbd_lib" / "method"]
    absent = [
        name for name in named if name != "results/bench_cuda.json" and not any((h / name).exists() for h in homes)
    ]
    assert not absent


def test_the_table_of_steps_names_files_and_what_is_in_them() -> None:
    table = rows((ROOT / "docs" / "method.md").read_text(), "step")
    assert [row[0] for row in table] == [*"1234567", "training"]
    for _, _, files, names in table:
        modules = [importlib.import_module(f"tbd_lib.method.{name}") for name in re.findall(r"(\w+)\.py", files)]
        for name in re.findall(r"\w+", names):
            assert any(getattr(module, name, None) for module in modules), name


def test_the_tracker_in_ten_lines_is_the_tracker() -> None:
    (example,) = blocks((ROOT / "docs" / "method.md").read_text(), "py")
    assert len(example.splitlines()) == 10
    torch.manual_seed(0)
    model = build_model(replace(SMALL, key_channels=16, decoder_channels=8)).eval()
    images = np.random.default_rng(0).integers(0, 256, (4, 48, 64, 3), np.uint8)
    mask = np.zeros((48, 64), np.uint8)
    mask[8:40, 4:30], mask[8:40, 30:60] = 1, 2
    video = Video("test", [Frame(f"{t}", image) for t, image in enumerate(images)], {0: mask})
    steps = list(track(model, video, OWN_SIZE))
    names = {
        "model": model,
        "frames": [torch.from_numpy(image).permute(2, 0, 1)[None] / 255 for image in images],
        "given": regions_of(torch.from_numpy(np.stack([mask == 1, mask == 2])).float()),
        "masks": [],
        "aggregate": aggregate,
        "regions_of": regions_of,
    }
    with torch.no_grad():
        exec(example, names)
    torch.testing.assert_close(names["prob"], steps[-1].prob)
    assert len(names["masks"]) == 3 and all(
        np.array_equal(found.numpy(), step.mask) for found, step in zip(names["masks"], steps[1:], strict=True)
    )


def test_the_course_places_the_method_among_its_relatives() -> None:
    """What is named has a reference, with a year, and what has a reference is named."""
    text, references = (ROOT / "docs" / "course.md").read_text().split("### References")
    section = text[text.index("## Trackers that match") :]
    for name in ("OSVOS", "FEELVOS", "STM", "CFBI", "TBD", "STCN", "XMem", "Cutie", "SAM 2", "DAM4SAM", "DiDi"):
        (entry,) = (
            line for line in re.sub(r"\n  ", " ", references).splitlines() if re.search(rf"[*(, ]{name}[:),]", line)
        )
        (year,) = re.findall(r"[A-Za-z]+ (20\d\d)\.$", entry)
        assert re.search(rf"\b{name}\b", section) and year in section, name


# --- promises


def test_every_promise_names_the_test_that_holds_it() -> None:
    table = rows((ROOT / "docs" / "reliability.md").read_text(), "what happens")
    assert len(table) >= 10
    for case, promise, test in table:
        file, name = re.fullmatch(r"`(\w+\.py)::(\w+)`", test).groups()  # type: ignore[union-attr]
        assert case and promise and f"\ndef {name}(" in (ROOT / "tests" / file).read_text(), test


def test_how_often_faults_were_tried_is_that_of_the_result_file() -> None:
    page, result = (ROOT / "docs" / "reliability.md").read_text(), results_folder() / "robustness.json"
    found = re.search(r"([\d,]+) damaged files and (\d+) kills", page)
    assert (found is not None) == result.is_file()
    if found:
        tried = json.loads(result.read_text())
        numbers = f"{tried['damage']['files']:,}", str(sum(tried["kills"]["killed"].values()))
        assert found.groups() == numbers and not [line for part in tried.values() for line in part["faults"]]


# --- figures


MODELS = {
    "unchanged": ("unchanged", "bundled"),
    "the first small model (no longer included)": ("small", "before"),
    "bundled-coco": ("bundled-coco", "bundled"),
    "bundled-davis": ("bundled-davis", "bundled"),
    "bundled-davis, int8": ("bundled-davis int8", "bundled"),
    "the second stage, first seed": ("videos_a_tuned", "bundled"),
    "the second stage, second seed": ("videos_b_tuned", "bundled"),
}
SETS = ("sample_real", "sample_val", "davis2016_six")


@pytest.mark.parametrize("page", ["README.md", "docs/evaluate.md"])
def test_scores_of_the_models_are_those_of_the_result_files(page: str) -> None:
    table = rows((ROOT / page).read_text(), "J&F (mean J)")
    for name, *found in table:
        row, file = MODELS[name]
        scores = json.loads((results_folder() / f"{file}.json").read_text())["scores"][row]
        assert found == [f"{scores[which]['J&F']:.3f} ({scores[which]['J']:.3f})" for which in SETS]
    assert page == "README.md" or [row[0] for row in table] == list(MODELS)


def test_published_scores_are_those_of_the_result_file() -> None:
    text = (ROOT / "docs/evaluate.md").read_text()
    published = json.loads((results_folder() / "published.json").read_text())["scores"]
    benchmarks = {"davis16_val": "J&F", "davis17_val": "J&F", "davis17_test-dev": "J&F", "ytvos18_val": "Overall"}
    assert [row[1:] for row in rows(text, "J&F as published")] == [
        [f"{published[how][name][which]:.3f}" for how in ("with COCO pre-training", "without COCO pre-training")]
        for name, which in benchmarks.items()
    ]
    six = json.loads((results_folder() / "davis2016_six.json").read_text())["videos"]
    objects = published["with COCO pre-training"]["davis16_val"]["per_object"]
    j, f = (sum(objects[f"{name}1"][which] for name in six) / len(six) for which in "JF")
    for page in (text, README):
        assert f"a J&F of {(j + f) / 2:.3f} (mean J {j:.3f})" in " ".join(page.split())


@pytest.mark.parametrize(
    ("head", "file"),
    [
        ("real clip", "sample_real"),
        ("sample, validation videos", "sample_val"),
        ("six real videos, DAVIS-2016", "davis2016_six"),
    ],
)
def test_scores_of_videos_are_those_of_the_result_files(head: str, file: str) -> None:
    scores = json.loads((results_folder() / f"{file}.json").read_text())
    *videos, (_, objects, overall, still) = rows((ROOT / "docs" / "evaluate.md").read_text(), head)
    assert [row[0] for row in videos] == list(scores["videos"])
    for name, count, found, unchanged in videos:
        assert (count, found, unchanged) == expected(scores["videos"][name])
    assert int(objects) == sum(len(video["objects"]) for video in scores["videos"].values())
    assert (overall, still) == (f"{scores['overall']['J&F']:.3f}", f"{scores['baseline']['J&F']:.3f}")
    summary = json.loads((results_folder() / "bundled.json").read_text())["scores"]["bundled-davis"][file]
    assert summary["J&F"] == pytest.approx(scores["overall"]["J&F"])


def expected(video: dict) -> tuple[str, str, str]:
    """Number of objects, and the means of J&F, tracked and unchanged."""
    means = [
        sum(scores["J&F"] for scores in video[part].values()) / len(video[part]) for part in ("objects", "baseline")
    ]
    return str(len(video["objects"])), f"{means[0]:.3f}", f"{means[1]:.3f}"


def test_ablations_are_those_of_the_result_file() -> None:
    content = json.loads((results_folder() / "ablations.json").read_text())
    page = (ROOT / "docs" / "evaluate.md").read_text()
    assert marked(page, report.MARK, report.section(content)) == page, "`python -m tools.ablations.report`"


def test_hours_of_training_are_those_of_the_result_file() -> None:
    text, found = (
        (ROOT / "docs/train.md").read_text(),
        json.loads((results_folder() / "training_time.json").read_text()),
    )
    table = {place: [coco, davis] for place, coco, davis in rows(text, "hardware")}
    assert table == {
        place: [in_hours(hours["coco"]), in_hours(hours["davis"])] for place, hours in found["hours"].items()
    }
    operations = found["operations_per_step"]
    assert f"{operations['coco'] / 1e12:.1f} trillion floating-point operations (`coco`)" in text
    assert f"{operations['davis'] / 1e12:.1f} trillion (`davis`)" in text and found["used"] == 0.25


def in_hours(hours: float) -> str:
    return f"{hours:.1f}" if hours < 100 else f"about {round(hours, -2):,.0f}"


def test_budgets_of_training_are_those_of_the_result_files() -> None:
    found = json.loads((results_folder() / "budgets.json").read_text())
    models = json.loads((results_folder() / "bundled.json").read_text())["scores"]
    short_stages = sum(stage["minutes"] for stage in found["2 hours"]["stages"].values())
    made = json.loads((ROOT / "data" / "weights" / "bundled-davis.json").read_text())
    every_stage = sum(made["minutes"].values())
    expected = {
        "unchanged": models["unchanged"],
        f"{found['15 minutes']['minutes']:.0f} minutes: `tbd train sample`": found["15 minutes"]["scores"],
        f"{short_stages:.0f} minutes: a shortened run of each stage": found["2 hours"]["scores"],
        f"{every_stage:.0f} minutes: `bundled-davis`": models["bundled-davis"],
    }
    text = (ROOT / "docs/train.md").read_text()
    assert {name: values for name, *values in rows(text, "trained for, J&F")} == {
        name: [f"{scores[which]['J&F']:.3f}" for which in ("sample_val", "sample_real", "davis2016_six")]
        for name, scores in expected.items()
    }
    prose = " ".join(text.split())
    short, spent = found["15 minutes"], found["15 minutes"]["processor_minutes"]
    assert f"{short['config']['run']['iterations']:,} iterations" in prose
    assert f"{spent['training']:.1f} minutes of one core for training, {spent['clips']:.1f} of another" in prose
    assert f"took {short_stages:.0f} minutes" in prose and f"all stages of `bundled-davis` {every_stage:.0f}." in prose


def test_the_trunk_and_a_step_of_training_are_those_of_the_result_files() -> None:
    page = (ROOT / "docs/evaluate.md").read_text()
    for stage in json.loads((results_folder() / "trunk.json").read_text())["stages"].values():
        iterations = max(line["iteration"] for line in stage["log"])
        reached = stage["scores"]["overall"]
        row = f"| {iterations:,}, {stage['minutes']:.0f} minutes | {reached['J&F']:.3f} ({reached['J']['mean']:.3f}) |"
        assert row in page
    step = json.loads((results_folder() / "step_memory.json").read_text())
    assert f"needs {step['peak_gib']:.1f} GiB" in (ROOT / "docs/train.md").read_text()
