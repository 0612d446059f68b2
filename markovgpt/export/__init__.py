"""What one takes away: graphs, tables, figures."""
