"""The same probes and rules on a loop that is not ours: a script, a notebook, somebody else's trainer."""

from trainwell.watching.lines import user_frames as user_frames
from trainwell.watching.record import Record as Record
from trainwell.watching.run import Watched as Watched
from trainwell.watching.run import run_watched as run_watched
from trainwell.watching.session import Session as Session
from trainwell.watching.watcher import Watcher as Watcher
from trainwell.watching.watcher import watch as watch
