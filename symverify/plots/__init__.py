"""Pictures (matplotlib, the extra ``plot``): losses along lines and planes, critical values, sheets for a report.

A picture proves nothing: curves and contours are evaluated in floats, and the titles say so.  This module imports
matplotlib only when asked for it, so that the command line can say in one line that it is missing.
"""

from symverify.usage import UsageError

FORMATS = ("png", "svg", "pdf")


def require_matplotlib(option: str) -> None:
    """Raises :class:`UsageError` if matplotlib is not installed, or does not start; ``option`` asked for it."""
    try:
        import matplotlib  # noqa: F401
    except ImportError:
        raise UsageError(f"{option} needs matplotlib: pip install 'symverify[plot]'") from None
    except ValueError as error:  # the environment variable MPLBACKEND names a backend that there is not
        raise UsageError(f"{option}: matplotlib does not start ({str(error)[:60]}...)") from None


def formats_of(text: str, option: str = "--plot-format") -> tuple[str, ...]:
    """The formats of a list such as ``png,svg``, each once.

    >>> formats_of("svg, png,svg")
    ('svg', 'png')
    """
    names = tuple(dict.fromkeys(name.strip() for name in text.split(",")))
    for name in names:
        if name not in FORMATS:
            raise UsageError(f"{option} {text}: {name!r} is not known; choose from {', '.join(FORMATS)}")
    return names
