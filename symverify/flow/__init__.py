"""Gradient flow and gradient descent, simulated: where they end, how often, and what the flow conserves.

Everything here is *observed*: floating-point numbers without error bounds.  Only :mod:`symverify.flow.conserved` proves
something (exact linear algebra over Q), and the losses that ends are compared with may come from certificates.
"""

from symverify.flow.conserved import Conserved, conserved
from symverify.flow.report import Group, Known, Share, clopper_pearson, shares
from symverify.flow.simulate import Limits, Outcome, Runs, descent, flow
from symverify.flow.starts import Initialisation, draw

__all__ = [
    "Conserved",
    "Group",
    "Initialisation",
    "Known",
    "Limits",
    "Outcome",
    "Runs",
    "Share",
    "clopper_pearson",
    "conserved",
    "descent",
    "draw",
    "flow",
    "shares",
]
