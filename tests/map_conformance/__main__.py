"""`make conformance`: writes the page unless a figure has fallen; with `--accept` then too."""

from __future__ import annotations

import sys

from map_conformance import report
from map_conformance.official import CORPORA


def main() -> int:
    """The exit status: 1 when a figure has fallen or the corpora are not here."""
    if not CORPORA.is_dir():
        sys.stderr.write("the public test messages are not here: ../shared/corpora\n")
        return 1
    fallen = report.fallen()
    if fallen and "--accept" not in sys.argv:
        sys.stderr.write(
            "\n".join(("a figure has fallen; ACCEPT=1 writes it all the same:", *fallen, ""))
        )
        return 1
    report.write()
    return 0


if __name__ == "__main__":
    sys.exit(main())
