"""Puts one question to one peer, within the peer's own environment: ``python -I peer_runner.py JOB``, both ways json.

Run by `experiments.peers` and imports nothing of this project, so that what is measured is the peer. A peer is a class:
making it imports the library and compiles (not timed), ``load`` reads the chain into the library's own kind of chain,
and each question that the library offers is a method of that name, done by the call that its documentation names. Where
the library leaves the method to its user, the peer's name says which was taken.
"""

import json
import resource
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
from scipy import sparse
from scipy.sparse import linalg


class Storm:
    """Storm by stormpy, sound mode in doubles: every number but the stationary distribution with bounds."""

    method: str | None = None  # None is what the sound mode takes by itself: optimistic value iteration, class by class

    def __init__(self, tolerance: float):
        import stormpy.analysis

        self.stormpy = stormpy
        self.environment = stormpy.environments.sound()
        native = self.environment.solver().native()
        native.precision = stormpy.Rational(tolerance)
        if self.method:
            native.method = getattr(stormpy.environments.NativeLinearEquationSolverMethod, self.method)
        self.options = stormpy.developer.storage.UmbImportOptions()
        self.options.build_state_valuations = False

    def load(self, folder: Path) -> None:
        """The sparse model of the UMB file."""
        self.model = self.stormpy.build_model_from_umb(folder / "chain.umb", options=self.options)

    def _checked(self, formula: str) -> dict[str, float | None]:
        """The value and its bounds at the start."""
        wanted = self.stormpy.parse_property(formula)
        result = self.stormpy.model_checking(self.model, wanted, only_initial_states=True, environment=self.environment)
        found = result[self.model.initial_states[0]]
        return {"value": found.value, "lower": found.lower, "upper": found.upper}

    def expected_time(self) -> dict[str, float | None]:
        """Steps until red."""
        return self._checked('T=? [F "red"]')

    def hitting(self) -> dict[str, float | None]:
        """The probability of red before the avoided states."""
        return self._checked('P=? [!"avoided" U "red"]')

    def stationary(self) -> np.ndarray:
        """By the expected visiting times of Mertens et al., which the sound mode takes."""
        result = self.stormpy.analysis.compute_steady_state_distribution(self.model, environment=self.environment)
        return np.array(result.get_value_vector())


class StormInterval(Storm):
    """Storm with interval iteration."""

    method = "INTERVAL_ITERATION"


class StormSound(Storm):
    """Storm with sound value iteration."""

    method = "SOUND_VALUE_ITERATION"


class Peer:
    """A library for Python: reads the matrix and the sets as arrays."""

    def __init__(self, tolerance: float):
        self.tolerance = tolerance

    def load(self, folder: Path) -> None:
        """The matrix in rows."""
        self.matrix = sparse.load_npz(folder / "matrix.npz")
        sets = np.load(folder / "sets.npz")
        self.red, self.avoided, self.start = sets["red"], sets["avoided"], int(sets["start"])


class QuantEcon(Peer):
    """QuantEcon: GTH elimination of a dense matrix."""

    def __init__(self, tolerance: float):
        super().__init__(tolerance)
        import quantecon

        self.make = quantecon.MarkovChain
        self.make([[0.5, 0.5], [0.5, 0.5]]).stationary_distributions  # noqa: B018  compiles

    def load(self, folder: Path) -> None:
        """A MarkovChain of the matrix in rows."""
        super().load(folder)
        self.chain = self.make(self.matrix)

    def stationary(self) -> np.ndarray:
        """The first of the stationary distributions."""
        return self.chain.stationary_distributions[0]


class PyDTMC(Peer):
    """PyDTMC: dense throughout."""

    def __init__(self, tolerance: float):
        super().__init__(tolerance)
        import pydtmc

        self.make = pydtmc.MarkovChain

    def load(self, folder: Path) -> None:
        """A MarkovChain of the dense matrix."""
        super().load(folder)
        self.chain = self.make(self.matrix.toarray())

    def stationary(self) -> np.ndarray:
        """The first of the stationary distributions."""
        return self.chain.pi[0]

    def expected_time(self) -> dict[str, float]:
        """The start's entry of the vector of hitting times."""
        return {"value": float(self.chain.hitting_times(np.flatnonzero(self.red).tolist())[self.start])}

    def hitting(self) -> dict[str, float]:
        """The start's entry of the hitting probabilities of the chain that never leaves the avoided states."""
        stopped = self.matrix.toarray()
        stopped[self.avoided] = np.eye(len(stopped))[self.avoided]
        found = self.make(stopped).hitting_probabilities(np.flatnonzero(self.red).tolist())
        return {"value": float(found[self.start])}


class NetworkX(Peer):
    """NetworkX: its PageRank without damping is a power iteration."""

    def __init__(self, tolerance: float):
        super().__init__(tolerance)
        import networkx

        self.networkx = networkx

    def load(self, folder: Path) -> None:
        """A directed graph with weights."""
        super().load(folder)
        self.graph = self.networkx.from_scipy_sparse_array(self.matrix, create_using=self.networkx.DiGraph)

    def stationary(self) -> np.ndarray:
        """It stops at N * tol, so that the tolerance is divided by N here."""
        n = len(self.graph)
        ranks = self.networkx.pagerank(self.graph, alpha=1.0, tol=self.tolerance / n, max_iter=sys.maxsize)
        return np.array([ranks[state] for state in range(n)])


class ScipyArpack(Peer):
    """ARPACK by scipy: the left eigenvector of the eigenvalue of largest size."""

    def stationary(self) -> np.ndarray:
        """Normalised to the sum 1."""
        _, vectors = linalg.eigs(self.matrix.T, k=1, which="LM", tol=self.tolerance)
        vector = vectors[:, 0].real
        return vector / vector.sum()


class Scipy(Peer):
    """A linear system, set up as one would by hand: over the states that can reach red, which are not red."""

    def _solved(self, Q: sparse.csr_array, b: np.ndarray) -> np.ndarray:
        """Where x = Q x + b."""
        raise NotImplementedError

    def _from_start(self, through: np.ndarray, cost: np.ndarray, otherwise: float) -> dict[str, float]:
        """The start's entry of x = Q x + cost; ``otherwise`` where red is never reached."""
        live = through & reaching(self.matrix, self.red, through)
        if not live[self.start]:
            return {"value": otherwise}
        kept = np.flatnonzero(live)
        found = self._solved(self.matrix[kept][:, kept].tocsr(), cost[kept])
        return {"value": float(found[np.searchsorted(kept, self.start)])}

    def expected_time(self) -> dict[str, float]:
        """Steps until red: x = Q x + 1."""
        start = np.arange(len(self.red)) == self.start
        reached = reaching(self.matrix.T.tocsr(), start, ~self.red | start)
        if self.red[self.start]:
            return {"value": 0.0}
        if (reached & ~reaching(self.matrix, self.red, ~self.red)).any():
            return {"value": np.inf}
        return self._from_start(~self.red, np.ones(len(self.red)), np.inf)

    def hitting(self) -> dict[str, float]:
        """Red before the avoided states: x = Q x + P 1_red."""
        if self.red[self.start]:
            return {"value": 1.0}
        return self._from_start(~self.red & ~self.avoided, self.matrix @ self.red.astype(float), 0.0)


class ScipyPower(Scipy):
    """The loop that one writes first, one product by scipy a step, until a step changes no more than the tolerance."""

    def _solved(self, Q: sparse.csr_array, b: np.ndarray) -> np.ndarray:
        values, change = b, np.inf
        while change > self.tolerance:
            before, values = values, Q @ values + b
            change = np.abs(values - before).max() / values.max()
        return values

    def stationary(self) -> np.ndarray:
        """From the uniform distribution."""
        transposed = self.matrix.T.tocsr()
        values, change = np.full(transposed.shape[0], 1 / transposed.shape[0]), np.inf
        while change > self.tolerance:
            before, values = values, transposed @ values
            change = np.abs(values - before).sum()
        return values


class ScipyGmres(Scipy):
    """GMRES by scipy, without a preconditioner."""

    def _solved(self, Q: sparse.csr_array, b: np.ndarray) -> np.ndarray:
        found, failed = linalg.gmres(sparse.eye_array(len(b), format="csr") - Q, b, rtol=self.tolerance)
        if failed:
            raise ArithmeticError(f"GMRES did not reach {self.tolerance} in {failed} iterations")
        return found


class ScipyLu(Scipy):
    """Sparse LU by scipy (SuperLU)."""

    def _solved(self, Q: sparse.csr_array, b: np.ndarray) -> np.ndarray:
        return linalg.spsolve((sparse.eye_array(len(b)) - Q).tocsc(), b)


PEERS: dict[str, type] = {
    "storm": Storm,
    "storm interval": StormInterval,
    "storm sound": StormSound,
    "quantecon": QuantEcon,
    "pydtmc": PyDTMC,
    "networkx": NetworkX,
    "scipy power": ScipyPower,
    "scipy arpack": ScipyArpack,
    "scipy gmres": ScipyGmres,
    "scipy lu": ScipyLu,
}


def reaching(matrix: sparse.csr_array, target: np.ndarray, through: np.ndarray) -> np.ndarray:
    """The states from which the target can be reached over states in ``through``; a mask."""
    found, size = target, 0
    while found.sum() > size:
        size = found.sum()
        found = target | (through & (matrix @ found.astype(float) > 0))
    return found


def peak_bytes() -> int:
    """The most memory that this process has held: VmHWM."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM:"))


def answered(job: dict[str, Any]) -> dict[str, Any]:
    """Load, ask, and say what it took; a stationary distribution goes to a file of its own."""
    kind, folder = PEERS[job["peer"]], Path(job["folder"])
    if not hasattr(kind, job["question"]):
        return {"status": "not offered"}
    resource.setrlimit(resource.RLIMIT_AS, (job["memory_bytes"], job["memory_bytes"]))
    try:
        peer = kind(job["tolerance"])
        imported_bytes, began = peak_bytes(), time.perf_counter()
        peer.load(folder)
        loaded = time.perf_counter()
        found = getattr(peer, job["question"])()
        asked = time.perf_counter()
    except MemoryError:
        return {"status": f"over {job['memory_bytes'] / 1e9:.0f} GB"}
    took = {
        "status": "answered",
        "seconds": asked - loaded,
        "loading_seconds": loaded - began,
        "peak_bytes": peak_bytes(),
        "imported_bytes": imported_bytes,
    }
    if job["question"] == "stationary":
        np.save(folder / "stationary.npy", found)
        return took
    return {**found, **took}


if __name__ == "__main__":
    print(json.dumps(answered(json.loads(sys.argv[1]))))
