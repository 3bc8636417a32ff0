"""The pre-flight tests: each is one function that measures one thing on copies."""
