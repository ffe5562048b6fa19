"""Where a result comes from: what every result file of this project says about itself."""

import platform
import shlex
import subprocess
import sys
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path

PACKAGES = ("tbd-lib", "torch", "torchvision", "numpy", "scipy", "pillow")
REPOSITORY = Path(__file__).parents[2]


def provenance() -> dict[str, object]:
    """Date (UTC), command line, commit, versions and machine, ready for JSON."""
    return {
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "command": command_line(sys.argv),
        "commit": commit(REPOSITORY),
        "versions": {"python": platform.python_version()} | {name: version(name) for name in PACKAGES},
        "machine": {
            "system": f"{platform.system()} {platform.machine()}",
            "processor": processor(),
            "gpu": graphics(),
        },
    }


def version(package: str) -> str | None:
    """Version of an installed package; None for one that is not, as this one when run from its checkout."""
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def command_line(arguments: list[str]) -> str:
    """The command as it can be typed again; a program is named without the folder it is installed in."""
    program = Path(arguments[0])
    return shlex.join([program.name if program.is_absolute() else arguments[0], *arguments[1:]])


def commit(folder: Path) -> str | None:
    """Commit of a git checkout, ending in ``-dirty`` if tracked files were changed; None outside a checkout's root."""
    if not (folder / ".git").exists():  # an installed package may lie inside somebody else's checkout
        return None
    command = ["git", "-C", str(folder), "describe", "--always", "--dirty", "--abbrev=40", "--exclude=*"]
    try:
        answer = subprocess.run(command, capture_output=True, text=True, check=False)
    except FileNotFoundError:  # git is not installed
        return None
    return answer.stdout.strip() or None  # a checkout without commits has nothing to say


def processor() -> str:
    """The processor's model, as the system names it."""
    information = Path("/proc/cpuinfo")  # Linux; platform.processor() says only "x86_64" there, or nothing
    if information.is_file():
        for line in information.read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def graphics() -> str | None:
    """The GPU's model; None without one, or where PyTorch was not loaded and so nothing ran on it."""
    torch = sys.modules.get("torch")
    return torch.cuda.get_device_name() if torch is not None and torch.cuda.is_available() else None
