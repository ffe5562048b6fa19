"""The library's errors name arguments, the command line's name flags."""

from pathlib import Path

import pytest

from tbd_lib.cli.flags import with_flags
from tbd_lib.cli.main import main


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
