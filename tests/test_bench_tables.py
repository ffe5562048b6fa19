"""The README's figures of speed and memory are those of the result files."""

import json
from pathlib import Path

from tools.bench_tables import BEGIN, END, drawn, tracking_table

ROOT = Path(__file__).parents[1]


def test_the_readme_says_what_was_measured() -> None:
    readme = (ROOT / "README.md").read_text()
    assert readme.count(BEGIN) == readme.count(END) == 1
    assert drawn(readme, ROOT / "results") == readme


def test_what_was_not_run_is_said() -> None:
    row = {"width": "small", "objects": 1, "size": [480, 854], "ratio": {"median": 1.5}}
    cpu = {"tracking": [row, row | {"objects": 5, "width": "paper"}, {"seconds_of_loops": 1.0, "lines": 480}]}
    lines = tracking_table(cpu, None).splitlines()
    assert lines[2:] == [
        "| small model, 480p | 1.50x | not run |",
        "| the paper's widths, 480p | not run | 1.50x |",
        "| on a GPU | not run | not run |",
    ]
    on_gpu = json.loads(json.dumps(cpu)) | {"provenance": {"machine": {"gpu": "A GPU"}}}
    assert "| small model, 480p, A GPU | 1.50x | not run |" in tracking_table(cpu, on_gpu)
