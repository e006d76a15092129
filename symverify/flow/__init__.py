"""Gradient flow and gradient descent, simulated: where they end, how often, and what the flow conserves.

Everything here is *observed*: floating-point numbers without error bounds.  Only :mod:`symverify.flow.conserved` proves
something (linear algebra over Q), and losses of certified minima come from certificates.  Nothing is imported here, so
that the command line starts fast: use :func:`symverify.flow.simulate.flow`, :func:`symverify.flow.simulate.descent`,
:func:`symverify.flow.conserved.conserved`, :class:`symverify.flow.experiment.Session`.
"""
