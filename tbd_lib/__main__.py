"""``python -m tbd_lib`` is the command ``tbd``."""

import sys

from tbd_lib.cli.main import main

sys.exit(main())
