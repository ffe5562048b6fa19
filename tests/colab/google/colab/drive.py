"""A stand-in for Google Drive."""


def mount(path: str) -> None:
    """Take the folder that Colab mounts Drive at, and nothing else."""
    if path != "/content/drive":
        raise ValueError(f"{path}: Colab mounts Drive at /content/drive")
