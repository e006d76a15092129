"""The error of a user, apart from the command line so that each of its parts can raise it."""


class UsageError(Exception):
    """Something the user can put right: one line, exit code 2."""
