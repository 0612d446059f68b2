"""State graphs: what is shown of a chain, where it stands, and how it is drawn."""
