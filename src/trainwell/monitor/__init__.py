"""The same probes and rules on a loop that is not ours: a script, a notebook, somebody else's trainer."""

from trainwell.monitor.code.source_lines import user_frames as user_frames
from trainwell.monitor.run import Watched as Watched
from trainwell.monitor.run import run_watched as run_watched
from trainwell.monitor.session import Session as Session
from trainwell.monitor.trainings.record import Record as Record
from trainwell.monitor.watcher import Watcher as Watcher
from trainwell.monitor.watcher import watch as watch
