"""Errors that people can act on: each message names the file or setting, the value found and what was expected.

Arguments and settings stand in backquotes, as a program writes them: `overwrite`, `data.batch`. The command line puts
its flags in their place (``tbd_lib.cli.flags``).
"""


class InputError(ValueError):
    """Input that cannot be used. The message is one line: the file or setting, the value found, what was expected."""


class TrainingError(RuntimeError):
    """Training cannot go on. The message is one line: what happened at which iteration, and what is kept."""
