"""What planners decide by hand: overrides of the forecast and business events, kept as entries that never change."""
