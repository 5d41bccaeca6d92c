"""`python -m vagus.cli` is `vagus`.

Python puts the current folder first on its path for `-m`. A project folder has `channels/` and
`mappings/` of its own, and nothing in it may be imported as code.
"""

import os
import sys

from vagus.cli import main

if __name__ == "__main__":
    if sys.path and sys.path[0] in ("", os.getcwd()):
        del sys.path[0]
    main()
