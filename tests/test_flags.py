"""The library's errors name arguments, the command line's name flags."""

import re
from dataclasses import fields
from inspect import signature
from pathlib import Path

import pytest

from tbd_lib.cli import main as commands
from tbd_lib.cli.flags import with_flags
from tbd_lib.cli.main import main
from tbd_lib.cli.options import TrackOptions
from tbd_lib.datasets.config import AugmentConfig, DataConfig
from tbd_lib.datasets.prepare.command import Davis
from tbd_lib.training.config import OptimiserConfig, RunConfig

PACKAGE = Path(commands.__file__).parents[1]
COMMANDS = ("prepare", "train", "evaluate", "score", "export", "track", "demo", "bench", "export_model")
OPTIONS = (TrackOptions, DataConfig, AugmentConfig, OptimiserConfig, RunConfig, Davis)
OF_PYTHON = {"config", "given", "model", "segmenter", "video"}  # arguments that are wrong in a program alone


def test_an_argument_that_a_message_names_is_a_flag_or_one_that_only_programs_give() -> None:
    flags = {name for command in COMMANDS for name in signature(getattr(commands, command)).parameters}
    flags |= {option.name for options in OPTIONS for option in fields(options)}
    sources = [path for path in PACKAGE.rglob("*.py") if "course" not in path.relative_to(PACKAGE).parts]
    texts = (path.read_text(encoding="utf-8") for path in sources)
    found = {name for text in texts for name in re.findall(r"(?<!`)`(?:[a-z_]+\.)*([a-z_]+)`(?!`)", text)}
    assert {"overwrite", "crop"} <= found <= flags | OF_PYTHON


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        ("`hold_out` 3: expected fewer", "--hold-out 3: expected fewer"),
        ("`data.hold_out` 3: expected fewer", "--hold-out 3: expected fewer"),
        ("`optimiser.encoder_rate` None: expected `init`", "--encoder-rate None: expected --init"),
        ("`run.iterations` 4, now 9", "--iterations 4, now 9"),
        ("`data.augment.crop` 64 and `model.key_channels` 8", "--augment.crop 64 and --model.key-channels 8"),
        ("`data`: missing", "--data: missing"),
        ("a.png: run `tbd prepare weights`, or `x=1`", "a.png: run `tbd prepare weights`, or `x=1`"),
        ("batch.png: no argument is named here", "batch.png: no argument is named here"),
    ],
)
def test_arguments_become_flags_and_nothing_else_does(message: str, expected: str) -> None:
    assert with_flags(message) == expected


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["--frames", "1"], "tbd: --frames 1: expected at least 2\n"),
        (["--hold-out", "9"], "tbd: --hold-out 9: the data has 5 videos or images; expected fewer held out\n"),
        (["--device", "abacus"], "tbd: --device abacus: "),
    ],
)
def test_a_command_speaks_of_its_flags(
    arguments: list[str], line: str, tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    assert main(["train", "sample", "--out", str(tmp_path / "run"), *arguments]) == 2
    assert capsys.readouterr().err.startswith(line)
    assert not (tmp_path / "run").exists()
