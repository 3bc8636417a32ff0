"""The live page of all runs: it reads them, and nothing else. No torch."""

from trainwell.web.access import Access as Access
from trainwell.web.access import AccessGuard as AccessGuard
from trainwell.web.app import make_app as make_app
from trainwell.web.server import serve as serve
