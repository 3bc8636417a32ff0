"""Reports: text for the terminal, figures as SVG, and HTML pages. No torch."""

from trainwell.report.figures.batch import write_batch as write_batch
from trainwell.report.html.audit import write_audit as write_audit
from trainwell.report.html.page import policy as policy
from trainwell.report.html.page import render as render
from trainwell.report.html.page import write_report as write_report
from trainwell.report.text.advice import advice_text as advice_text
from trainwell.report.text.audit import audit_text as audit_text
from trainwell.report.text.check import check_text as check_text
from trainwell.report.text.cost import cost_text as cost_text
from trainwell.report.text.findings import finding_parts as finding_parts
from trainwell.report.text.findings import finding_text as finding_text
from trainwell.report.text.findings import findings_text as findings_text
from trainwell.report.text.progress import LiveDisplay as LiveDisplay
from trainwell.report.text.summary import summary as summary
from trainwell.report.text.treatment import treatment_text as treatment_text
from trainwell.report.text.verdict import Verdict as Verdict
from trainwell.report.text.verdict import verdict as verdict
from trainwell.report.text.watched import no_training as no_training
from trainwell.report.text.watched import watched_headline as watched_headline
