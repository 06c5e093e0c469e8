"""Pictures of models and of what they learn, drawn by matplotlib (the extra `plot`).

Each function draws on the axes or the empty figure that it is given, or on a new figure, and returns the figure, which
shows itself in a notebook; `.savefig("picture.png")` writes it. Nothing of pyplot is touched. No picture needs colour
to be read.
"""

from bpnet.plot.boundary import decision_boundary as decision_boundary
from bpnet.plot.confusion import confusion_matrix as confusion_matrix
from bpnet.plot.curves import loss_curves as loss_curves
from bpnet.plot.diagram import network as network
from bpnet.plot.flow import gradient_flow as gradient_flow
from bpnet.plot.regression import predicted_against_true as predicted_against_true
from bpnet.plot.regression import residuals as residuals
from bpnet.plot.search import search as search
from bpnet.plot.tiles import filters as filters
from bpnet.plot.tiles import weights as weights
