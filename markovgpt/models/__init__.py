"""Who speaks: anything that gives next-token logits."""
