"""Many questions at once: a grid of settings, red texts, starts and checkpoints, shared out among processes."""
