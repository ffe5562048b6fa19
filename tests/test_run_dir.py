"""A run's folder: exact state, refused changes, nothing half-written, a log that fits the checkpoint."""

import json
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import pytest
import torch
from small_runs import TINY, VIDEOS, square_video, tiny_model
from tqdm.auto import tqdm

from tbd_lib import files
from tbd_lib.errors import InputError
from tbd_lib.training.config import change
from tbd_lib.training.run_dir import Meter, RunDir, differences, read_log
from tbd_lib.video.frames import Video


def run_of(out: Path, config=TINY) -> RunDir:
    model = tiny_model()
    return RunDir(out, config, {"objective": model, "optimiser": torch.optim.AdamW(model.parameters(), 1e-3)}, VIDEOS)


def small_run(out: Path, config=TINY, videos: Sequence[Video] = VIDEOS, width: int = 1, groups: int = 1) -> RunDir:
    """A run of a single layer."""
    layer = torch.nn.Linear(width, width)
    optimiser = torch.optim.AdamW([{"params": [layer.weight]}, {"params": [layer.bias]}][:groups])
    return RunDir(out, config, {"objective": layer, "optimiser": optimiser}, videos)


def test_what_is_saved_is_what_is_resumed(tmp_path: Path) -> None:
    run = run_of(tmp_path)
    run.best = 0.25
    model = run.parts["objective"]
    sum(p.sum() for p in model.parameters()).backward()  # type: ignore[attr-defined]
    run.parts["optimiser"].step()  # type: ignore[attr-defined]
    torch.manual_seed(3)
    run.save(7)
    expected = torch.rand(3)

    other = run_of(tmp_path)
    assert other.resume(other.read()) == 7
    assert torch.equal(torch.rand(3), expected)
    assert other.best == 0.25 and other.saved == 7
    for name, value in model.state_dict().items():
        assert torch.equal(value, other.parts["objective"].state_dict()[name])
    before, after = (str(each.parts["optimiser"].state_dict()["state"]) for each in (run, other))
    assert before == after
    content = torch.load(tmp_path / "last.pt", weights_only=True)
    assert content["config"] == asdict(TINY) and content["version"]


def test_without_a_checkpoint_a_run_begins(tmp_path: Path) -> None:
    run = run_of(tmp_path)
    assert run.read() is None and run.resume(None) == 0


def test_the_weights_of_a_finished_run_without_its_checkpoint_are_not_written_over(tmp_path: Path) -> None:
    """Those of the best validation alone may be there: a run can die before its first checkpoint."""
    run = small_run(tmp_path)
    (tmp_path / "best.safetensors").touch()
    assert run.read() is None
    (tmp_path / "final.safetensors").touch()
    with pytest.raises(InputError, match=r"final.safetensors: weights of a finished run, without its last.pt; exp"):
        run.read()


def test_how_the_earlier_parts_of_a_run_were_made_is_kept(tmp_path: Path) -> None:
    """Of those that reached a checkpoint of their own; the last goes on with another configuration."""
    run, longer = small_run(tmp_path), small_run(tmp_path, change(TINY, run={"iterations": 9}))
    run.begin()
    run.save(1)
    run.begin()
    run.begin()
    run.save(2)
    longer.resume(longer.read(override=True))
    longer.begin()
    made = json.loads((tmp_path / "run.json").read_text())
    assert made["config"]["run"]["iterations"] == 9
    assert [(part["until"], part["config"]["run"]["iterations"]) for part in made["earlier"]] == [(1, 4), (2, 4)]
    assert all(part["provenance"] and "earlier" not in part for part in made["earlier"])


def test_another_configuration_is_refused_with_its_differences(tmp_path: Path) -> None:
    run_of(tmp_path).save(1)
    changed = change(TINY, data={"augment": {"swap": 0.0}, "workers": 7}, run={"iterations": 9})
    run = run_of(tmp_path, changed)
    with pytest.raises(InputError, match=r": `data.augment.swap` 0.2, now 0.0; `run.iterations` 4, now 9; exp"):
        run.read()
    assert run.resume(run.read(override=True)) == 1


def test_other_videos_are_refused_unless_the_checkpoint_does_not_tell_its_own(tmp_path: Path) -> None:
    run = small_run(tmp_path)
    run.save(1)
    repainted = [square_video(6, 9, "a"), VIDEOS[1]]
    assert small_run(tmp_path, videos=repainted).read() is not None
    line = r"another configuration: `data` other videos than those it began with; expected the same \(or `override`"
    for videos in (VIDEOS[:1], VIDEOS[::-1], [square_video(5, 20, "a"), VIDEOS[1]]):
        with pytest.raises(InputError, match=line):
            small_run(tmp_path, videos=videos).read()
    other = small_run(tmp_path, videos=VIDEOS[:1])
    state = other.read(override=True)
    assert state is not None and state.pop("videos")
    torch.save(state, tmp_path / "last.pt")
    assert other.resume(other.read()) == 1


def test_a_checkpoint_of_another_architecture_or_way_to_train_is_one_line(tmp_path: Path) -> None:
    small_run(tmp_path, groups=2).save(1)
    wide = small_run(tmp_path, change(TINY, model={"decoder_channels": 24}), width=2, groups=2)
    frozen = small_run(tmp_path, change(TINY, optimiser={"encoder_rate": None}))
    for run, line in (
        (wide, r"its objective does not fit these settings: `model.decoder_channels` 16, now 24; expected the model"),
        (frozen, r"its optimiser does not fit these settings: `optimiser.encoder_rate` 0.001, now None; expected the"),
    ):
        with pytest.raises(InputError, match=f"last.pt: {line}"):
            run.resume(run.read(override=True))


def test_settings_that_change_no_weights_may_change() -> None:
    other = change(TINY, data={"workers": 5}, run={"save_every": 1, "log_every": 3, "accumulate": 2})
    assert differences(asdict(TINY), asdict(other)) == {}
    assert differences({"a": 1}, {"b": 2}) == {"a": "1, now None", "b": "None, now 2"}


def test_a_broken_checkpoint_is_named(tmp_path: Path) -> None:
    (tmp_path / "last.pt").write_bytes(b"nonsense")
    with pytest.raises(InputError, match=r"last.pt: cannot be read .*; expected the checkpoint of a run"):
        run_of(tmp_path).read()


FULL_DISK = """
import resource, sys
sys.path.insert(0, {tests!r})
from pathlib import Path
from test_run_dir import run_of
run = run_of(Path({out!r}))
run.save(1)
resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
try:
    run.save(2)
except OSError as error:
    print("refused:", error.filename, run.saved)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no limit on the size of files")
def test_a_full_disk_keeps_the_checkpoint_before(tmp_path: Path) -> None:
    code = FULL_DISK.format(tests=str(Path(__file__).parent), out=str(tmp_path))
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert answer.stdout.strip() == f"refused: {tmp_path / 'last.pt'} 1", answer.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["last.pt"]
    assert torch.load(tmp_path / "last.pt", weights_only=True)["iteration"] == 1


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no device that is always full")
def test_a_full_disk_is_named_by_the_log(tmp_path: Path) -> None:
    (tmp_path / "log.jsonl").symlink_to("/dev/full")
    with pytest.raises(OSError, match=r"No space left on device: '.*log\.jsonl'"):
        run_of(tmp_path).log(iteration=1)


def test_a_run_on_a_drive_that_is_not_mounted_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "DRIVE", tmp_path)
    with pytest.raises(InputError, match="Google Drive is not mounted"):
        run_of(tmp_path / "MyDrive" / "run")
    assert not list(tmp_path.iterdir())


def test_lines_after_the_checkpoint_are_dropped(tmp_path: Path) -> None:
    run = run_of(tmp_path)
    run.begin()
    for iteration in (2, 4, 6):
        run.log(iteration=iteration, loss=1 / 3)
    with (tmp_path / "log.jsonl").open("a") as file:
        file.write('{"iteration": 4, "lo')  # cut by a crash
    run.save(4)
    run.begin()
    lines = [json.loads(line) for line in (tmp_path / "log.jsonl").read_text().splitlines()]
    assert lines == [{"iteration": 2, "loss": 0.33333}, {"iteration": 4, "loss": 0.33333}]
    assert json.loads((tmp_path / "run.json").read_text())["config"]["run"]["iterations"] == 4


def test_only_the_best_weights_are_kept(tmp_path: Path) -> None:
    from tbd_lib.training.checkpoint import load_checkpoint

    run, model = run_of(tmp_path), tiny_model()
    for score, value in ((0.5, 1.0), (0.7, 2.0), (0.6, 3.0)):
        torch.nn.init.constant_(model.short_inertia, value)
        run.save_if_best(model, score)
    assert run.best == 0.7
    assert load_checkpoint(tmp_path / "best.safetensors").short_inertia.tolist() == [2.0, 2.0]


def test_the_log_has_means_of_the_iterations_since_the_last_line(tmp_path: Path) -> None:
    run = run_of(tmp_path, change(TINY, run={"log_every": 2, "iterations": 5}))
    run.begin()
    with tqdm(total=5) as bar:
        meter = Meter(run, bar, logs=True)
        for i in range(5):
            meter.count(i + 1, i == 4, loss=float(i), iou=0.5, rate=0.1)
    lines = read_log(tmp_path / "log.jsonl")
    assert [(line["iteration"], line["loss"], line["iou"]) for line in lines] == [
        (2, 0.5, 0.5),
        (4, 2.5, 0.5),
        (5, 4, 0.5),
    ]
    assert all(line["clips_per_second"] > 0 for line in lines)
