"""The command line `mdevalbench`."""
