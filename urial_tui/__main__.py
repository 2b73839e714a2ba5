"""`python -m urial_tui` is the same program as the `urial-tui` script."""

from urial_tui.main import main

if __name__ == "__main__":
    main()
