"""Prove what the loss landscape of a sparse linear network looks like.

>>> from symverify import DataClass, LinearNetwork, analyze
>>> analyze(LinearNetwork.from_masks([[[1, 0], [1, 1]], [[1, 1]]]), DataClass.ANY).verdict
<Verdict.BENIGN: 'benign'>
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

_HOME = {
    "LinearNetwork": "network",
    "Data": "data",
    "DataClass": "data",
    "FloatsConvertedWarning": "data",
    "analyze": "verify",
    "Answer": "verify",
    "Verdict": "verify",
    "Basis": "verify",
    "prove_benign": "rules",
    "structures": "enumeration",
    "encode": "certificate",
    "derive": "critical",
    "settle": "claims",
}
__all__ = [*sorted(_HOME), "__version__"]

if TYPE_CHECKING:
    from symverify.certificate import encode as encode
    from symverify.claims import settle as settle
    from symverify.critical import derive as derive
    from symverify.data import Data as Data
    from symverify.data import DataClass as DataClass
    from symverify.data import FloatsConvertedWarning as FloatsConvertedWarning
    from symverify.enumeration import structures as structures
    from symverify.network import LinearNetwork as LinearNetwork
    from symverify.rules import prove_benign as prove_benign
    from symverify.verify import Answer as Answer
    from symverify.verify import Basis as Basis
    from symverify.verify import Verdict as Verdict
    from symverify.verify import analyze as analyze


def __getattr__(name: str) -> Any:
    """Import what is asked for when it is asked for: ``symverify check`` needs neither sympy nor numpy."""
    if name not in _HOME:
        raise AttributeError(f"module 'symverify' has no attribute {name!r}")
    return getattr(import_module(f"symverify.{_HOME[name]}"), name)
