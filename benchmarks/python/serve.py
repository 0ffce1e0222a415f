"""Baselines in Python: answers requests of nnz-bench, one JSON object a line. Argument: scipy, torch or onemkl.

Operands are files of raw little-endian numbers in a folder that each request to prepare names (see
src/baselines/process-contender.ts). Times are taken here, by time.perf_counter_ns.
"""

import ctypes
import ctypes.util
import importlib.metadata
import json
import os
import re
import sys
import time


def read(folder, name, dtype, shape):
    import numpy

    return numpy.fromfile(os.path.join(folder, name), dtype).reshape(shape)


class Sparse:
    """CSR operands in NumPy arrays."""

    def __init__(self, folder, m, k, n):
        self.shape = (m, k, n)
        self.offsets = read(folder, "offsets.i32", "<i4", -1)
        self.columns = read(folder, "columns.i32", "<i4", -1)
        self.values = read(folder, "values.f32", "<f4", -1)


class ScipyCsr(Sparse):
    def plan(self):
        from scipy.sparse import csr_array

        m, k, _ = self.shape
        self.w = csr_array((self.values, self.columns, self.offsets), shape=(m, k))

    def input(self, x):
        self.x = x

    def run(self):
        self.y = self.w @ self.x

    def output(self):
        return self.y


class TorchCsr(Sparse):
    def plan(self):
        import torch

        m, k, n = self.shape
        self.w = torch.sparse_csr_tensor(
            torch.from_numpy(self.offsets), torch.from_numpy(self.columns), torch.from_numpy(self.values), (m, k)
        )
        self.y = torch.full((m, n), float("nan"))
        self.mm = torch.mm

    def input(self, x):
        import torch

        self.x = torch.from_numpy(x)

    def run(self):
        self.mm(self.w, self.x, out=self.y)

    def output(self):
        return self.y.numpy()


class TorchDense(TorchCsr):
    def __init__(self, folder, m, k, n):
        self.shape = (m, k, n)
        self.weights = read(folder, "w.f32", "<f4", (m, k))

    def plan(self):
        import torch

        m, _, n = self.shape
        self.w = torch.from_numpy(self.weights)
        self.y = torch.full((m, n), float("nan"))
        self.mm = torch.mm


class Description(ctypes.Structure):
    """struct matrix_descr of mkl_spblas.h."""

    _fields_ = [("type", ctypes.c_int), ("mode", ctypes.c_int), ("diagonal", ctypes.c_int)]


class OnemklCsr(Sparse):
    ROW_MAJOR, NOT_TRANSPOSED, GENERAL, CALLS = 101, 10, 20, 1000

    def check(self, status):
        if status != 0:
            raise RuntimeError(f"oneMKL answered with status {status}")

    def pointer(self, array):
        return array.ctypes.data_as(ctypes.c_void_p)

    def plan(self):
        import numpy

        m, k, n = self.shape
        self.mkl = load_mkl()
        self.handle = ctypes.c_void_p()
        self.description = Description(self.GENERAL, 0, 0)
        ends = ctypes.c_void_p(self.offsets.ctypes.data + 4)
        self.check(
            self.mkl.mkl_sparse_s_create_csr(
                ctypes.byref(self.handle), 0, m, k, self.pointer(self.offsets), ends, self.pointer(self.columns),
                self.pointer(self.values),
            )
        )
        if n == 1:
            self.check(self.mkl.mkl_sparse_set_mv_hint(self.handle, self.NOT_TRANSPOSED, self.description, self.CALLS))
        else:
            self.check(
                self.mkl.mkl_sparse_set_mm_hint(
                    self.handle, self.NOT_TRANSPOSED, self.description, self.ROW_MAJOR, n, self.CALLS
                )
            )
        self.check(self.mkl.mkl_sparse_optimize(self.handle))
        self.y = numpy.full((m, n), numpy.nan, "<f4")

    def input(self, x):
        self.x = x
        _, _, n = self.shape
        one, zero, operation = ctypes.c_float(1), ctypes.c_float(0), self.NOT_TRANSPOSED
        x, y = self.pointer(x), self.pointer(self.y)
        if n == 1:
            self.call = self.mkl.mkl_sparse_s_mv
            self.arguments = (operation, one, self.handle, self.description, x, zero, y)
        else:
            self.call = self.mkl.mkl_sparse_s_mm
            self.arguments = (operation, one, self.handle, self.description, self.ROW_MAJOR, x, n, n, zero, y, n)

    def run(self):
        self.check(self.call(*self.arguments))

    def output(self):
        return self.y

    def dispose(self):
        self.mkl.mkl_sparse_destroy(self.handle)


def load_mkl():
    """The library of the `mkl` package, or of the system. MKL_RT names another."""
    try:
        files = [str(f.locate()) for f in importlib.metadata.files("mkl") or [] if "mkl_rt" in f.name]
    except importlib.metadata.PackageNotFoundError:
        files = []
    names = [os.environ.get("MKL_RT"), *files, ctypes.util.find_library("mkl_rt")]
    for name in filter(None, names):
        try:
            return ctypes.CDLL(os.path.realpath(name) if os.path.sep in name else name)
        except OSError:
            continue
    raise ImportError("no mkl_rt: pip install mkl numpy")


def mkl_version():
    text = ctypes.create_string_buffer(200)
    load_mkl().mkl_get_version_string(text, 200)
    return re.search(r"Version ([\w.]+)", text.value.decode()).group(1)


def open_library(library):
    import numpy  # noqa: F401 - operands travel in its arrays

    if library == "scipy":
        import scipy.sparse

        return scipy.__version__
    if library == "torch":
        import torch

        torch.set_num_threads(int(os.environ["OMP_NUM_THREADS"]))
        torch.set_grad_enabled(False)
        return torch.__version__
    return mkl_version()


METHODS = {"scipy-csr": ScipyCsr, "torch-csr": TorchCsr, "torch-dense": TorchDense, "onemkl-csr": OnemklCsr}


class Server:
    def __init__(self, library):
        self.library = library
        self.prepared = {}

    def answer(self, request):
        if request["op"] == "open":
            return {"version": open_library(self.library)}
        if request["op"] == "prepare":
            return self.prepare(request)
        method, folder, shape = self.prepared[request["id"]]
        return getattr(self, request["op"])(request, method, folder, shape)

    def prepare(self, request):
        m, k, n = shape = request["m"], request["k"], request["n"]
        method = METHODS[request["method"]](request["folder"], m, k, n)
        start = time.perf_counter_ns()
        method.plan()
        planning = time.perf_counter_ns() - start
        self.prepared[request["id"]] = method, request["folder"], shape
        return {"planning": planning}

    def input(self, _request, method, folder, shape):
        method.input(read(folder, "x.f32", "<f4", shape[1:]))
        return {}

    def run(self, _request, method, folder, _shape):
        method.run()
        method.output().tofile(os.path.join(folder, "y.f32"))
        return {}

    def sample(self, request, method, folder, _shape):
        samples, run, clock = [], method.run, time.perf_counter_ns
        end = clock() + int(request["milliseconds"] * 1e6)
        while not samples or clock() < end:
            start = clock()
            run()
            samples.append(max(1, clock() - start))
        method.output().tofile(os.path.join(folder, "y.f32"))
        return {"samples": samples}

    def dispose(self, request, method, _folder, _shape):
        del self.prepared[request["id"]]
        if hasattr(method, "dispose"):
            method.dispose()
        return {}


def main():
    server = Server(sys.argv[1])
    for line in sys.stdin:
        try:
            reply = server.answer(json.loads(line))
        except Exception as error:  # noqa: BLE001 - whatever a library throws becomes an answer
            reply = {"error": f"{type(error).__name__}: {str(error).splitlines()[0] if str(error) else ''}"[:300]}
        print(json.dumps(reply), flush=True)


main()
