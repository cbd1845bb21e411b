"""bench/peer_sklearn.py FOLDER THREADS: what a user of scikit-learn runs for the same maps, neighbours and components.

Answers the lines of bench/worker.lua; the points are FOLDER/POINTS.npy, which that wrote.
"""
import os
import sys
import time
import warnings

warnings.filterwarnings("ignore")
import numpy
import sklearn
from sklearn.decomposition import PCA
from sklearn.manifold import TSNE
from sklearn.neighbors import NearestNeighbors


def job(task, x, threads):
    if task == "pca":
        return lambda: PCA(50, svd_solver="randomized", random_state=0).fit_transform(x)
    if task == "neighbours":
        return lambda: NearestNeighbors(n_neighbors=10, algorithm="brute", n_jobs=threads).fit(x).kneighbors()
    return lambda: TSNE(n_iter=1000, init="pca", learning_rate="auto", random_state=0, n_jobs=threads).fit(x).kl_divergence_


def answer(folder, threads, state, verb, *rest):
    if verb == "make":
        return "ok"
    if verb == "setup":
        x = numpy.load(os.path.join(folder, rest[1] + ".npy"))
        job(rest[0], numpy.ascontiguousarray(x[:200]), threads)()  # what is loaded on first use does not count
        state["job"] = job(rest[0], x, threads)
        return "ready"
    times = []
    for _ in range(int(rest[0])):
        start = time.perf_counter()
        state["job"]()
        times.append(1e3 * (time.perf_counter() - start))
    return " ".join(f"{t:.4f}" for t in times)


def main():
    print("scikit-learn", sklearn.__version__, flush=True)
    state = {}
    for line in sys.stdin:
        print(answer(sys.argv[1], int(sys.argv[2]), state, *line.split()), flush=True)


try:
    main()
except KeyboardInterrupt:
    pass
