"""Run notebooks from top to bottom and store what they put out, in place.

    python -m tools.run_notebooks [notebooks/00_quickstart.ipynb ...]
    python -m tools.run_notebooks --times

Without names the exercises are put into the lessons and the notebook of solutions is made (``tools.exercises``), and
then all are run. ``--times`` measures them too: it writes ``results/notebooks.json`` and sets the run time in every
lesson's header, to the next five seconds. A notebook whose cell fails stays as it was. Running twice stores the same
bytes.
"""

import math
import os
import re
import time
from dataclasses import asdict, dataclass
from pathlib import Path

import nbformat
import tyro
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError
from nbformat import NotebookNode

from tbd_lib.evaluation.provenance import provenance
from tbd_lib.files import write_json, write_whole
from tools import publish

REPOSITORY = Path(__file__).resolve().parents[1]
NOTEBOOKS = REPOSITORY / "notebooks"
RESULTS = REPOSITORY / "results" / "notebooks.json"
METADATA = {
    "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
}
CELL_TIMEOUT = 300  # seconds
UNCOMPARED = ("NBVAL_IGNORE_OUTPUT", "NBVAL_SKIP", "nbval-ignore-output", "nbval-skip")  # comments and tags
WIDGET = "application/vnd.jupyter.widget-"  # how MIME types of views and of state begin
RUN_TIME = re.compile(r"(?<=\*\*Run time:\*\* about )\d+(?= s on two CPU cores)")
STEP = 5  # seconds, to which run times are rounded up


@dataclass(frozen=True)
class Run:
    """What a run of one notebook took and gave."""

    seconds: float  # from starting the kernel to its end
    kilobytes: int
    outputs: int  # cells that put something out
    compared: int  # those of which ``pytest --nbval`` compares the text


def run(path: Path, timed: bool = False) -> Run:
    """Run a notebook in a fresh kernel and write it back, with the outputs of this run and no others.

    Its set-up cells, if it has such, become those of ``tools/publish.py``.

    Args:
        path: the notebook.
        timed: whether the header's run time becomes that of this run.

    Raises:
        CellExecutionError: a cell failed; the file is unchanged.
    """
    notebook = nbformat.read(path, as_version=4)
    publish.fill(notebook, publish.address_set())
    start = time.perf_counter()
    execute(notebook, path.parent)
    seconds = round(time.perf_counter() - start, 1)
    tidy(notebook)
    if timed:
        set_run_time(notebook, seconds)
    with write_whole(path) as temporary:
        nbformat.write(notebook, temporary)
    return Run(seconds, round(path.stat().st_size / 1000), *compared(notebook))


def execute(notebook: NotebookNode, folder: Path) -> None:
    """Run all cells in a fresh kernel that works in ``folder``; their outputs replace those that were there.

    Raises:
        CellExecutionError: a cell failed.
    """
    client = NotebookClient(
        notebook,
        timeout=CELL_TIMEOUT,
        kernel_name="python3",
        record_timing=False,
        store_widget_state=False,  # none at all: GitHub refuses notebooks whose widget state is incomplete
        coalesce_streams=True,
        extra_arguments=["--IPKernelApp.log_level=ERROR"],  # the kernel warns that it is not encrypted
        resources={"metadata": {"path": str(folder)}},
    )
    client.execute(env=_environment())


def tidy(notebook: NotebookNode) -> None:
    """Keep nothing that tells of this machine or this run.

    An inspector leaves its picture and its text: the view beside them names a model of a kernel that is gone.
    """
    notebook.metadata = NotebookNode(METADATA)
    for cell in notebook.cells:
        cell.metadata = NotebookNode({name: value for name, value in cell.metadata.items() if name == "tags"})
        for output in cell.get("outputs", []):
            for part in {"data", "metadata"} & set(output):
                kept = {kind: value for kind, value in output[part].items() if not kind.startswith(WIDGET)}
                output[part] = NotebookNode(kept)


def set_run_time(notebook: NotebookNode, seconds: float) -> None:
    """Write the run time into the header, if the notebook has one."""
    header = notebook.cells[0]
    header.source = RUN_TIME.sub(str(rounded(seconds)), header.source)


def rounded(seconds: float) -> int:
    """Up to the next five seconds."""
    return STEP * math.ceil(seconds / STEP)


def compared(notebook: NotebookNode) -> tuple[int, int]:
    """How many code cells put something out, and of how many ``pytest --nbval`` compares text of it."""
    producing = [cell for cell in notebook.cells if cell.cell_type == "code" and cell.outputs]
    return len(producing), sum(_is_compared(cell) for cell in producing)


def _is_compared(cell: NotebookNode) -> bool:
    if any(mark in cell.source or mark in cell.metadata.get("tags", []) for mark in UNCOMPARED):
        return False
    return all("text" in output or "text/plain" in output.get("data", {}) for output in cell.outputs)


def in_all(outputs: int, same: int) -> str:
    """The ratio of compared outputs over several notebooks; 100 % only if it is all of them."""
    return f"{same} of {outputs} outputs compared in all ({100 * same // max(outputs, 1)} %)"


def course() -> list[Path]:
    """The lessons, with exercises and the address put in, and the notebook of solutions, made anew."""
    from tools import exercises  # here, so that single notebooks run while others are being written

    exercises.main()
    publish.publish(publish.address_set())
    return [*sorted(NOTEBOOKS.glob("*.ipynb")), exercises.SOLUTIONS]


def _environment() -> dict[str, str]:
    """One thread, so that numbers are the same everywhere; and this checkout's package, whatever is installed."""
    paths = [str(REPOSITORY), *filter(None, [os.environ.get("PYTHONPATH")])]
    return {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": os.pathsep.join(paths)}


def main(notebooks: tyro.conf.Positional[tuple[Path, ...]] = (), times: bool = False) -> None:
    """Run the notebooks that are named, or all, and say of each what it holds and how long it took.

    Args:
        notebooks: files; without any, the whole course.
        times: write down how long each takes, in its header and in results/notebooks.json. For all notebooks only.
    """
    if notebooks and times:
        raise SystemExit("--times measures all notebooks in one run; expected no names beside it")
    runs = {path.stem: run_and_print(path, times) for path in notebooks or course()}
    print(in_all(sum(result.outputs for result in runs.values()), sum(result.compared for result in runs.values())))
    if times:
        measured = {name: asdict(result) for name, result in runs.items()}
        conditions = {"threads": 1, "cores": os.cpu_count()}
        write_json(RESULTS, {"provenance": provenance(), **conditions, "notebooks": measured})


def run_and_print(path: Path, timed: bool) -> Run:
    """Run a notebook, and say what it holds and how long it took; a cell that fails ends the program."""
    try:
        result = run(path, timed)
    except CellExecutionError as error:
        raise SystemExit(f"{path.name}: {error}") from error
    print(
        f"{path.name}: {result.compared} of {result.outputs} outputs compared, "
        f"{result.kilobytes} kB, {result.seconds:.0f} s"
    )
    return result


if __name__ == "__main__":
    tyro.cli(main)
