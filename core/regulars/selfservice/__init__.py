"""What customers open by themselves: links in messages that only lower, and short sessions behind a fresh link."""
