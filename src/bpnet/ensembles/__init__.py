"""Many networks of one architecture at once, and the search for the best of them."""

from bpnet.ensembles.random_search import search as search
from bpnet.ensembles.searching import Found as Found
