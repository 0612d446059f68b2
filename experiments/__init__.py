"""One file, one question, one command, one folder in results/."""
