"""All critical points of one *regularised* instance: counted, isolated in boxes, classified.

``L(w) = 1/2 tr(M G M') - tr(M C') + c0 + sum_e lambda_e w_e^2`` with rational data and ``lambda_e > 0``.  One idea
per module: :mod:`.instance` (the loss), :mod:`.equations` (its gradient as polynomials), :mod:`.groebner` (leading
ideals modulo primes), :mod:`.counts` (strata and their numbers of points), :mod:`.track` and :mod:`.monodromy`
(floats: finding the points), :mod:`.enclose` (ball arithmetic: proving them), :mod:`.survey` (the answer).
"""
