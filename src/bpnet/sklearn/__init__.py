"""scikit-learn's MLPClassifier and MLPRegressor, on any backend, and a search that trains many of them at once."""

from bpnet.sklearn.classifier import MLPClassifier as MLPClassifier
from bpnet.sklearn.regressor import MLPRegressor as MLPRegressor
from bpnet.sklearn.search import MLPSearchCV as MLPSearchCV
