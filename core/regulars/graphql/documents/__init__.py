"""From the text of a document to an operation that may run: read, limited, priced, validated."""
