"""The commands of the shell: one room a question, what they share, and what they print."""
