"""What a Space starts: the same as `srgan demo`."""

from demo.start.command import main

if __name__ == "__main__":
    main()
