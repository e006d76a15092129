"""``python -m symverify``."""

import sys

from symverify.cli import main

sys.exit(main())
