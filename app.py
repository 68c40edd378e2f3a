"""Start the demo."""

from demo.start.serve import start

if __name__ == "__main__":
    start()
