"""Run notebooks from top to bottom and store what they put out, in place.

    python tools/run_notebooks.py [notebooks/00_quickstart.ipynb ...]

Without names, all of ``notebooks/``. A notebook whose cell fails stays as it was. Running twice stores the same bytes.
"""

import os
import sys
import time
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError
from nbformat import NotebookNode

from tbd_lib.files import write_whole

REPOSITORY = Path(__file__).resolve().parents[1]
METADATA = {
    "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
}
CELL_TIMEOUT = 300  # seconds
UNCOMPARED = ("NBVAL_IGNORE_OUTPUT", "NBVAL_SKIP", "nbval-ignore-output", "nbval-skip")  # comments and tags


def run(path: Path) -> NotebookNode:
    """Run a notebook in a fresh kernel and write it back, with the outputs of this run and no others.

    Raises:
        CellExecutionError: a cell failed; the file is unchanged.
    """
    notebook = nbformat.read(path, as_version=4)
    client = NotebookClient(
        notebook,
        timeout=CELL_TIMEOUT,
        kernel_name="python3",
        record_timing=False,
        store_widget_state=False,  # none at all: GitHub refuses notebooks whose widget state is incomplete
        coalesce_streams=True,
        extra_arguments=["--IPKernelApp.log_level=ERROR"],  # the kernel warns that it is not encrypted
        resources={"metadata": {"path": str(path.parent)}},
    )
    client.execute(env=_environment())
    tidy(notebook)
    with write_whole(path) as temporary:
        nbformat.write(notebook, temporary)
    return notebook


def tidy(notebook: NotebookNode) -> None:
    """Keep no metadata that tells of this machine or this run."""
    notebook.metadata = NotebookNode(METADATA)
    for cell in notebook.cells:
        cell.metadata = NotebookNode({name: value for name, value in cell.metadata.items() if name == "tags"})


def compared(notebook: NotebookNode) -> tuple[int, int]:
    """How many code cells put something out, and of how many ``pytest --nbval`` compares text of it."""
    producing = [cell for cell in notebook.cells if cell.cell_type == "code" and cell.outputs]
    return len(producing), sum(_is_compared(cell) for cell in producing)


def _is_compared(cell: NotebookNode) -> bool:
    if any(mark in cell.source or mark in cell.metadata.get("tags", []) for mark in UNCOMPARED):
        return False
    return all("text" in output or "text/plain" in output.get("data", {}) for output in cell.outputs)


def _environment() -> dict[str, str]:
    """One thread, so that numbers are the same everywhere; and this checkout's package, whatever is installed."""
    paths = [str(REPOSITORY), *filter(None, [os.environ.get("PYTHONPATH")])]
    return {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": os.pathsep.join(paths)}


def main(arguments: list[str]) -> None:
    """Run the notebooks that are named, or all, and say of each what it holds and how long it took."""
    paths = [Path(name) for name in arguments] or sorted((REPOSITORY / "notebooks").glob("*.ipynb"))
    for path in paths:
        start = time.perf_counter()
        try:
            producing, same = compared(run(path))
        except CellExecutionError as error:
            raise SystemExit(f"{path.name}: {error}") from error
        seconds, kilobytes = time.perf_counter() - start, path.stat().st_size / 1000
        print(f"{path.name}: {same} of {producing} outputs compared, {kilobytes:.0f} kB, {seconds:.0f} s")


if __name__ == "__main__":
    main(sys.argv[1:])
