"""What it is: the model as a Markov chain."""
