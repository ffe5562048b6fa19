"""Draw the figures of speed and memory in ``docs/speed.md`` from ``results/bench_*.json``.

Of ``bench_cpu.json``; of ``bench_cuda.json``, once it is there; memory also with PyTorch's CPU build
(``bench_cpu_build.json``).

python -m tools.bench_tables
"""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import tyro

from tbd_lib.files import write_text
from tools.marked import marked

ROOT = Path(__file__).parents[1]
BEGIN = "<!-- drawn by tools/bench_tables.py -->\n"
PARTS = ("read", "encode", "match", "decode", "aggregate", "update", "write")
OPTIONS = {
    "onnx": "`--engine onnx`",
    "shared": "`--engine shared`",
    "onnx-int8": "`--engine onnx-int8`",
    "region of interest": "`--roi-margin 3`",
    "bfloat16": "`--precision bfloat16`",
    "240 lines": "`--short-side 240`",
}
ENGINES = {"shared": "ratio", "onnx": "ratio_onnx"}
WIDTHS = {"small": "the bundled model", "paper": "the paper's widths"}
Bench = dict[str, Any]


def section(cpu: Bench, gpu: Bench | None, cpu_build: Bench | None) -> str:
    """All tables and sentences, as Markdown."""
    machine, versions = cpu["provenance"]["machine"], cpu["provenance"]["versions"]
    pieces = [
        "`tbd bench` measures a machine in one run; these are the figures of `results/bench_cpu.json` "
        f"({cpu['threads']} cores of an {machine['processor']}, PyTorch {versions['torch']}, float32, medians). "
        "Tracking, how many times faster than the plain form, which shares nothing between objects:",
        tracking_table(cpu, gpu),
        "Where the milliseconds of a frame go at 480p. Of the machine's measured peak (a large convolution, "
        f"{cpu['limits']['convolution per second'] / 1e9:.0f} billion operations per second), the part in brackets:",
        parts_table(cpu),
        f"{WIDTHS['small'].capitalize()} on a film of 480 lines with one object, from JPEGs to PNGs; J&F on the "
        "sample's validation videos and on the six of DAVIS. The first two engines are exact, and the first is the "
        "default on a CPU:",
        films_table(cpu),
        "Peak memory of tracking at 480p"
        + (" (the last column: `results/bench_cpu_build.json`):" if cpu_build else ":"),
        memory_table(cpu, cpu_build),
        ratios_sentence(cpu),
    ]
    return "\n\n".join(pieces)


def table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    """A Markdown table."""
    head = list(head)
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def tracking_table(cpu: Bench, gpu: Bench | None) -> str:
    """Ratios by number of objects, a row for each width and size."""
    measured = [row for row in cpu["tracking"] if "ratio" in row]
    objects = sorted({row["objects"] for row in measured})
    rows = list(_tracking_rows(measured, objects, ""))
    if gpu is None:
        rows.append(["on a GPU", *["not run"] * len(objects)])
    else:
        on_gpu = [row for row in gpu["tracking"] if "ratio" in row]
        rows += _tracking_rows(on_gpu, objects, f", {gpu['provenance']['machine']['gpu']}")
    return table(["objects", *map(str, objects)], rows)


def _tracking_rows(measured: list[Bench], objects: list[int], where: str) -> Iterable[list[str]]:
    for width, words in WIDTHS.items():
        for lines in sorted({row["size"][0] for row in measured}):
            found = {r["objects"]: r for r in measured if r["width"] == width and r["size"][0] == lines}
            for engine, key in ENGINES.items():
                ratios = {n: row[key] for n, row in found.items() if row.get(key)}
                cells = [f"{ratios[n]['median']:.2f}x" if n in ratios else "not run" for n in objects]
                if ratios:
                    yield [f"{words}, {lines}p, {engine}{where}", *cells]


def parts_table(cpu: Bench) -> str:
    """Milliseconds by part, with the share of the peak where something is calculated."""
    peak = cpu["limits"]["convolution per second"]

    def cell(name: str, part: Bench) -> str:
        share = part.get("operations", 0) / part["seconds"] / peak
        busy = f" ({share:.0%})" if name in ("encode", "match", "decode") else ""
        return f"{1000 * part['seconds']:.1f}{busy}"

    rows = (
        [f"{WIDTHS[row['width']]}, {row['objects']}", *(cell(name, row["parts"][name]) for name in PARTS)]
        for row in cpu["parts"]
    )
    return table(["objects", *PARTS], rows)


def films_table(cpu: Bench) -> str:
    """Frames per second and scores by option."""
    rows = (
        [
            _flags(row["option"]),
            f"{row['frames_per_second']:.1f}",
            f"{row['sample']:.3f}",
            f"{row['davis']:.3f}" if "davis" in row else "not run",
        ]
        for row in cpu["films"]
    )
    return table(["options", "frames per second", "sample", "six of DAVIS"], rows)


def _flags(option: str) -> str:
    return " ".join(OPTIONS[part] for part in option.split(", "))


def memory_table(cpu: Bench, cpu_build: Bench | None) -> str:
    """Peaks by build of PyTorch, and what the process holds before it tracks, which is mostly PyTorch."""
    builds = {f"PyTorch {cpu['provenance']['versions']['torch']} for CUDA": cpu["memory"]}
    if cpu_build is not None:
        builds[f"PyTorch {cpu_build['provenance']['versions']['torch']}"] = cpu_build["memory"]
    peaks = [{_case(row): f"{row['peak_bytes'] / 1e6:,.0f} MB" for row in rows} for rows in builds.values()]
    lines = [[case, *(found.get(case, "not run") for found in peaks)] for case in peaks[0]]
    loaded = (f"{rows[0]['loaded_bytes'] / 1e6:,.0f} MB" for rows in builds.values())
    return table(["peak memory", *builds], [*lines, ["before the first frame", *loaded]])


def _case(row: Bench) -> str:
    return f"{WIDTHS[row['width']]}, {row['objects']} objects, {row['frames']} frames"


def ratios_sentence(cpu: Bench) -> str:
    """What else is measured beside a plain form."""
    score, load = cpu["scoring"], cpu["loading"]["ratio"]["median"]
    *_, full, half = cpu["training"]["processor_seconds_per_step"].values()
    return (
        f"Scoring is {score['ratio']:.0f} times faster than by dilating whole frames, or "
        f"{score['ratio_with_reading']:.0f} times if reading the masks is counted. Clips are made {load:.1f} times "
        "faster than by opening, turning, cropping and flipping one after the other with Pillow. A step of training "
        f"{WIDTHS['small']} is {full / half:.1f} times faster in bfloat16 than in float32. (All three compare "
        "processor seconds of one thread.)"
    )


def drawn(page: str, results: Path) -> str:
    """The page with its figures drawn anew.

    Raises:
        ValueError: the page has no marks.
    """
    cpu, gpu, cpu_build = (_read(results / f"bench_{name}.json") for name in ("cpu", "cuda", "cpu_build"))
    assert cpu is not None
    return marked(page, BEGIN, section(cpu, gpu, cpu_build))


def _read(path: Path) -> Bench | None:
    return json.loads(path.read_text()) if path.is_file() else None


def main(page: Path = ROOT / "docs" / "speed.md", results: Path = ROOT / "results") -> None:
    """Write the figures into the page.

    Args:
        page: The file with the two marks between which they stand.
        results: The folder of result files.
    """
    write_text(page, drawn(page.read_text(encoding="utf-8"), results))


if __name__ == "__main__":
    tyro.cli(main)
