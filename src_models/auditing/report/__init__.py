"""What an audit found, as sentences, tables, charts and pages."""
