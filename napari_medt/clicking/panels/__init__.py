"""What is seen of the Click widget: its controls, dialogs and table of keys."""
