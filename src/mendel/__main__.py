"""``python -m mendel`` is the command ``mendel``, where no script was installed."""

from mendel.cli.main import main

if __name__ == "__main__":
    main()
