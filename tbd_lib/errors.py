"""Errors that people can act on: each message names the file or setting, the value found and what was expected."""


class InputError(ValueError):
    """Input that cannot be used. The message is one line: the file, the value found, what was expected."""


class TrainingError(RuntimeError):
    """Training cannot go on. The message is one line: what happened at which iteration, and what is kept."""
