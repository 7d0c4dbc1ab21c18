"""Fits of scikit-learn, and of its objectives by SciPy to the last digits: writes calibrators.json.

scikit-learn stops its iterations early (1e-6 of the gradient); `polished` goes on from there.
"""
import json, pathlib, warnings

import numpy as np
from scipy.optimize import root
from scipy.special import expit, log_softmax, softmax
from sklearn.calibration import CalibratedClassifierCV, _sigmoid_calibration
from sklearn.frozen import FrozenEstimator
from sklearn.isotonic import IsotonicRegression
from sklearn.linear_model import LogisticRegression
from sklearn.base import BaseEstimator, ClassifierMixin

warnings.filterwarnings("ignore")
rng = np.random.default_rng(9)
N, K = 160, 3
y = rng.random(N) < 0.4
s = np.round(1.8 * rng.normal(size=N) + 2 * y - 1.2, 1)  # with ties
labels = rng.integers(0, K, N)
logits = 1.5 * rng.normal(size=(N, K)) + 1.2 * np.eye(K)[labels]
new_s = np.array([-9.0, -1.05, 0.0, 0.33, 2.0, 30.0])
new_logits = 2 * rng.normal(size=(5, K))


def polished(gradient, start):
    """Where the gradient of an objective is 0."""
    return root(gradient, start, tol=1e-15, method="hybr").x


def binary(features, targets, start):
    return polished(lambda w: features.T @ (expit(features @ w) - targets), start)


def multinomial(design, parameters, start, ridge=None):
    """`design(theta)` gives logits, linear in theta; its columns follow from unit vectors."""
    columns = np.stack([design(e) for e in np.eye(parameters)], -1)
    hot, ridge = np.eye(K)[labels], np.zeros(parameters) if ridge is None else ridge
    return polished(lambda t: np.einsum("nkp,nk->p", columns, softmax(columns @ t, 1) - hot) + ridge * t, start)


line = np.stack([s, np.ones(N)], 1)
positives, negatives = y.sum(), (~y).sum()
smooth = np.where(y, (positives + 1) / (positives + 2), 1 / (negatives + 2))
a, b = _sigmoid_calibration(s, y)
platt = binary(line, smooth, [-a, -b])
assert np.allclose(platt, [-a, -b], rtol=1e-4), (platt, a, b)
plain = binary(line, y, [1.0, 0.0])
unpenalised = LogisticRegression(C=1e12, tol=1e-12, max_iter=10000).fit(s[:, None], y)
assert np.allclose(plain, [unpenalised.coef_[0, 0], unpenalised.intercept_[0]], rtol=1e-4)
iso = IsotonicRegression(y_min=0, y_max=1, out_of_bounds="clip").fit(s, y)

vector = multinomial(lambda t: logits * t[:K] + np.append(t[K:], 0), 2 * K - 1, np.append(np.ones(K), np.zeros(K - 1)))
C = 0.5
sk = LogisticRegression(C=C, tol=1e-10, max_iter=10000).fit(logits, labels)
affine = lambda t: logits @ t[: K * K].reshape(K, K).T + np.append(t[K * K :], np.zeros(K * K + K - len(t)))
start = np.append(sk.coef_.ravel(), (sk.intercept_ - sk.intercept_[-1])[:-1])
matrix = multinomial(affine, K * K + K - 1, start, np.append(np.full(K * K, 1 / C), np.zeros(K - 1)))
assert np.allclose(softmax(affine(matrix), 1), sk.predict_proba(logits), atol=1e-5)
identity, penalty = np.append(np.eye(K).ravel(), np.zeros(K)), np.append(np.where(np.eye(K), 0, 1.0).ravel(), np.ones(K))
odir = multinomial(affine, K * K + K, identity, penalty)
apply = lambda t: softmax(new_logits @ t[: K * K].reshape(K, K).T + np.append(t[K * K :], np.zeros(K * K + K - len(t))), 1)


class Scores(ClassifierMixin, BaseEstimator):
    """Its decision function is the data."""

    def fit(self, x, y):
        self.classes_ = np.arange(K)
        return self

    def decision_function(self, x):
        return x

    def predict(self, x):
        return x.argmax(1)


cross = CalibratedClassifierCV(FrozenEstimator(Scores().fit(logits, labels)), method="isotonic").fit(logits, labels)
out = {
    "scores": s.tolist(), "y": y.tolist(), "logits": logits.ravel().tolist(), "labels": labels.tolist(),
    "new_scores": new_s.tolist(), "new_logits": new_logits.ravel().tolist(),
    "platt": platt.tolist(), "plain": plain.tolist(), "platt_new": expit(platt[0] * new_s + platt[1]).tolist(),
    "isotonic": [iso.X_thresholds_.tolist(), iso.y_thresholds_.tolist()], "isotonic_new": iso.predict(new_s).tolist(),
    "temperature_binary": 1 / float(binary(s[:, None], y, [1.0])[0]),
    "temperature": 1 / float(multinomial(lambda t: logits * t, 1, [1.0])[0]),
    "vector": vector.tolist(), "vector_new": softmax(new_logits * vector[:K] + np.append(vector[K:], 0), 1).ravel().tolist(),
    "matrix_new": apply(matrix).ravel().tolist(), "odir": odir.tolist(), "odir_new": apply(odir).ravel().tolist(),
    "one_versus_rest": cross.predict_proba(new_logits).ravel().tolist(), "C": C,
    "loss": float(-log_softmax(logits * vector[:K] + np.append(vector[K:], 0), 1)[np.arange(N), labels].mean()),
}
pathlib.Path(__file__).with_suffix(".json").write_text(json.dumps(out, separators=(",", ":")) + "\n")
