"""K networks of one architecture at once, `Ensemble`, and the search for the best of many, `search`."""

from bpnet.ensembles.ensemble import Ensemble as Ensemble
from bpnet.ensembles.random_search import search as search
from bpnet.ensembles.searching import Found as Found
from bpnet.ensembles.telling import best_table as best_table
from bpnet.ensembles.telling import summary as summary
