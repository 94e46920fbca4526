"""The command line: `main` registers commands, each lives in a file of its own."""
