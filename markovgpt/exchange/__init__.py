"""What model checkers read and write: chains as files, in and out."""
