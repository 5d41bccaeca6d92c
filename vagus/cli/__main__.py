"""`python -m vagus.cli` is `vagus`."""

from vagus.cli import main

if __name__ == "__main__":
    main()
