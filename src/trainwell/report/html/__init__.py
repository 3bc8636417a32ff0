"""Pages: the report of a run, of an audit, of a search, of the lab. One self-contained HTML file each."""
