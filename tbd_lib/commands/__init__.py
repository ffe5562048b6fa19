"""The command line's larger commands, a module for each."""
