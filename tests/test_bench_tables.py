"""The figures of speed and memory in docs/speed.md are those of the result files."""

import json
from pathlib import Path

import pytest

from benchmarks.films import OPTIONS as FILM_OPTIONS
from tools.bench_tables import BEGIN, WIDTHS, drawn, films_table, memory_table, tracking_table

ROOT = Path(__file__).parents[1]


def test_the_page_says_what_was_measured() -> None:
    page = (ROOT / "docs" / "speed.md").read_text()
    assert drawn(page, ROOT / "results") == page
    with pytest.raises(ValueError, match="unpack"):
        drawn(page.replace(BEGIN, ""), ROOT / "results")


def test_what_was_not_run_is_said() -> None:
    row = {"width": "small", "objects": 1, "size": [480, 854], "ratio": {"median": 1.5}}
    with_onnx = row | {"objects": 5, "width": "paper", "ratio_onnx": {"median": 2.5}}
    cpu = {"tracking": [row | {"ratio_onnx": None}, with_onnx]}
    lines = tracking_table(cpu, None).splitlines()
    assert lines[2:] == [
        f"| {WIDTHS['small']}, 480p, shared | 1.50x | not run |",
        "| the paper's widths, 480p, shared | not run | 1.50x |",
        "| the paper's widths, 480p, onnx | not run | 2.50x |",
        "| on a GPU | not run | not run |",
    ]
    on_gpu = json.loads(json.dumps(cpu)) | {"provenance": {"machine": {"gpu": "A GPU"}}}
    assert f"| {WIDTHS['small']}, 480p, shared, A GPU | 1.50x | not run |" in tracking_table(cpu, on_gpu)


def test_memory_has_a_column_for_each_build() -> None:
    def build(version: str, loaded: float, *peaks: float) -> dict:
        rows = [
            {"width": "small", "objects": 2, "frames": n, "peak_bytes": peak * 1e6, "loaded_bytes": loaded * 1e6}
            for n, peak in enumerate(peaks)
        ]
        return {"provenance": {"versions": {"torch": version}}, "memory": rows}

    assert memory_table(build("2", 500, 900, 1000), build("2+cpu", 200, 400)).splitlines() == [
        "| peak memory | PyTorch 2 for CUDA | PyTorch 2+cpu |",
        "| --- | --- | --- |",
        f"| {WIDTHS['small']}, 2 objects, 0 frames | 900 MB | 400 MB |",
        f"| {WIDTHS['small']}, 2 objects, 1 frames | 1,000 MB | not run |",
        "| before the first frame | 500 MB | 200 MB |",
    ]
    assert memory_table(build("2", 500, 900), None).splitlines()[-1] == "| before the first frame | 500 MB |"


def test_every_option_that_is_measured_has_its_flag() -> None:
    row = {"frames_per_second": 1.0, "sample": 0.5, "davis": 0.5}
    lines = films_table({"films": [row | {"option": option} for option in FILM_OPTIONS]}).splitlines()
    assert len(lines) == 2 + len(FILM_OPTIONS)
    assert lines[-1] == "| `--engine onnx-int8` `--short-side 240` `--roi-margin 3` | 1.0 | 0.500 | 0.500 |"
    del row["davis"]
    assert films_table({"films": [row | {"option": "onnx"}]}).endswith("| `--engine onnx` | 1.0 | 0.500 | not run |")
