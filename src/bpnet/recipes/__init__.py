"""Worked examples, one a file; `bpnet train NAME` runs them."""

from bpnet.recipes.recipe import RECIPES as RECIPES
from bpnet.recipes.recipe import Measured as Measured
from bpnet.recipes.recipe import Options as Options
from bpnet.recipes.recipe import Outcome as Outcome
from bpnet.recipes.recipe import Problem as Problem
from bpnet.recipes.recipe import recipe as recipe
