"""What one takes away as numbers: tables, figures, and the record of how they were made."""
