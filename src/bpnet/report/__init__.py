"""A report of a training run: one HTML file that needs nothing else."""

from bpnet.report.outcome import Classification as Classification
from bpnet.report.outcome import Outcome as Outcome
from bpnet.report.outcome import Regression as Regression
from bpnet.report.report import Column as Column
from bpnet.report.report import Report as Report
from bpnet.report.report import html as html
