"""Where plugins' pages and parts of pages stand."""
