"""The atlas: every structure up to some widths, for every data class, with the answers to two questions.

``rows`` the types, ``structures`` names and jobs, ``decide`` the answers, ``evidence`` what a certificate proves,
``store`` the SQLite file, ``run`` the executor, ``table`` a whole atlas in memory (from a store or from the package),
``lookup`` a user's structure in the table of the package, ``checking``, ``closure`` and ``minimal`` what is checked and
read off, ``export`` and ``pictures`` how it is shown, ``commands`` the command line.  ``symverify.verify`` is above.
"""
