"""python -m trainwell."""

from trainwell.cli.main import main

main()
