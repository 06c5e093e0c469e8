"""scikit-learn's MLPClassifier and MLPRegressor, on any backend: the same parameters, attributes and numbers."""

from bpnet.sklearn.classifier import MLPClassifier as MLPClassifier
from bpnet.sklearn.regressor import MLPRegressor as MLPRegressor
