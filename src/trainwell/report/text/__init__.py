"""What a run says in words: verdict, findings, repairs, progress; for the terminal, and for the pages above."""
