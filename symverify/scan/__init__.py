"""Masks of real pruned networks: read safely, scanned for spurious minima and proofs that there are none.

The network is treated as linear: activations and biases are left out, only the masks count.
"""
