"""What a Space starts: the same as `srgan demo`."""

import sys

from demo.command import main
from demo.launch import LAUNCH

__all__ = ["LAUNCH", "main"]

if __name__ == "__main__":
    sys.exit(main())
