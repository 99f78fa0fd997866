"""How a night goes out: the checks before it, its immutable folder, and its documents."""
