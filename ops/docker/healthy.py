"""Exit 0 if a URL answers 200: the health check of the image, which has no curl."""

import sys
from urllib.request import urlopen

SECONDS = 3.0


def main(url: str) -> int:
    """Ask once."""
    try:
        with urlopen(url, timeout=SECONDS) as response:
            return 0 if response.status == 200 else 1
    except OSError:
        return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
