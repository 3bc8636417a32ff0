"""The scripts here are run by tests/watching, not collected."""

collect_ignore_glob = ["faulty/*", "healthy/*", "later/*", "programs/*"]
