"""What a person reads of a run: figures, page, text. No torch."""

from trainwell.report.figures.batch import write_batch as write_batch
from trainwell.report.html.audit import audit_text as audit_text
from trainwell.report.html.audit import write_audit as write_audit
from trainwell.report.html.page import policy as policy
from trainwell.report.html.page import render as render
from trainwell.report.html.page import write_report as write_report
from trainwell.report.text.progress import LiveDisplay as LiveDisplay
from trainwell.report.text.snapshot import Snapshot as Snapshot
from trainwell.report.text.snapshot import snapshot as snapshot
from trainwell.report.text.summary import findings_text as findings_text
from trainwell.report.text.summary import summary as summary
from trainwell.report.text.verdict import Verdict as Verdict
from trainwell.report.text.verdict import verdict as verdict
