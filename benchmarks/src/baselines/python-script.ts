/**
 * The program that runs in Python. It reads an order in JSON from each line and answers with one. Arrays come as raw
 * little-endian files, which are removed once read. Times are taken here, so that no pipe is measured.
 */
export const PYTHON_SCRIPT = `
import ctypes, glob, json, os, sys
from time import perf_counter_ns
from types import SimpleNamespace

def take(file):
    import numpy
    array = numpy.fromfile(file['path'], dtype=file['dtype']).reshape(file['shape'])
    os.remove(file['path'])
    return array

class Scipy:
    @staticmethod
    def version():
        import scipy.sparse
        return scipy.__version__

    def __init__(self, w):
        import scipy.sparse
        self.w = scipy.sparse.csr_matrix((w.values, w.indices, w.offsets), shape=(w.m, w.k))
        self.y = None

    def set_input(self, x):
        self.x = x

    def use_threads(self, count):
        pass

    def run(self):
        self.y = self.w @ self.x

    def output(self):
        return self.y

class Torch:
    @staticmethod
    def version():
        import numpy, torch
        return torch.__version__

    def __init__(self, w):
        import torch
        self.mm = torch.mm
        parts = [torch.from_numpy(part) for part in (w.offsets, w.indices, w.values)]
        self.w = torch.sparse_csr_tensor(*parts, (w.m, w.k))
        self.y = torch.empty(w.m, w.n)

    def set_input(self, x):
        import torch
        self.x = torch.from_numpy(x)
        self.y.fill_(float('nan'))

    def use_threads(self, count):
        import torch
        torch.set_num_threads(count)

    def run(self):
        self.mm(self.w, self.x, out=self.y)

    def output(self):
        return self.y.numpy()

class TorchDense(Torch):
    def __init__(self, w):
        super().__init__(w)
        self.w = self.w.to_dense()

class TorchDenseGradients:
    version = Torch.version

    def __init__(self, w):
        import numpy, torch
        parts = [torch.from_numpy(part) for part in (w.offsets, w.indices, w.values)]
        self.w = torch.sparse_csr_tensor(*parts, (w.m, w.k)).to_dense().requires_grad_()
        self.kept = numpy.repeat(numpy.arange(w.m), numpy.diff(w.offsets)), w.indices

    def set_input(self, x, dy):
        import torch
        self.x, self.dy = torch.from_numpy(x).requires_grad_(), torch.from_numpy(dy)
        self.y, self.gradients = self.w @ self.x, None

    def use_threads(self, count):
        import torch
        torch.set_num_threads(count)

    def run(self):
        import torch
        self.gradients = torch.autograd.grad(self.y, (self.x, self.w), self.dy, retain_graph=True)

    def output(self):
        import numpy
        dx, dw = (gradient.numpy() for gradient in self.gradients)
        return numpy.concatenate([dx.ravel(), dw[self.kept]])

class TorchSampledGradients(TorchDenseGradients):
    def __init__(self, w):
        import torch
        parts = [torch.from_numpy(part) for part in (w.offsets, w.indices, w.values)]
        self.w = torch.sparse_csr_tensor(*parts, (w.m, w.k))
        self.transposed = self.w.to_dense().T.to_sparse_csr()

    def set_input(self, x, dy):
        import torch
        self.x, self.dy, self.gradients = torch.from_numpy(x), torch.from_numpy(dy), None

    def run(self):
        import torch
        dx = torch.mm(self.transposed, self.dy)
        self.gradients = dx, torch.sparse.sampled_addmm(self.w, self.dy, self.x.T, beta=0)

    def output(self):
        import numpy
        dx, dw = self.gradients
        return numpy.concatenate([dx.numpy().ravel(), dw.values().numpy()])

class Description(ctypes.Structure):
    _fields_ = [('type', ctypes.c_int), ('mode', ctypes.c_int), ('diagonal', ctypes.c_int)]

class OneMkl:
    # The names of mkl_spblas.h.
    NON_TRANSPOSE, GENERAL, LOWER, NON_UNIT, ROW_MAJOR = 10, 20, 40, 50, 101

    @staticmethod
    def library():
        import numpy
        patterns = ('lib/libmkl_rt.so*', 'lib/libmkl_rt*.dylib', 'Library/bin/mkl_rt*.dll')
        for pattern in patterns:
            for path in sorted(glob.glob(os.path.join(sys.prefix, *pattern.split('/')))):
                return ctypes.CDLL(path)
        raise ModuleNotFoundError('libmkl_rt is not there', name='mkl')

    @staticmethod
    def version():
        text = ctypes.create_string_buffer(200)
        OneMkl.library().MKL_Get_Version_String(text, 200)
        return text.value.decode().split('Version ')[-1].split('-')[0]

    def __init__(self, w):
        import numpy
        self.mkl, self.w, self.n = OneMkl.library(), w, w.n
        self.y = numpy.empty((w.m, w.n), numpy.float32)
        self.description = Description(self.GENERAL, self.LOWER, self.NON_UNIT)
        self.handle = ctypes.c_void_p()
        offsets = w.offsets.ctypes.data
        pointers = [ctypes.c_void_p(at) for at in (offsets, offsets + 4, w.indices.ctypes.data, w.values.ctypes.data)]
        self.check(self.mkl.mkl_sparse_s_create_csr(ctypes.byref(self.handle), 0, w.m, w.k, *pointers))
        # The library may answer that it has nothing to arrange; the product works all the same.
        self.mkl.mkl_sparse_set_mm_hint(
            self.handle, self.NON_TRANSPOSE, self.description, self.ROW_MAJOR, w.n, 1000000)
        self.mkl.mkl_sparse_optimize(self.handle)

    def check(self, status):
        if status != 0:
            raise RuntimeError(f'oneMKL: status {status}')

    def set_input(self, x):
        self.x = x
        self.y.fill(float('nan'))

    def use_threads(self, count):
        self.mkl.MKL_Set_Num_Threads(count)

    def run(self):
        self.check(self.mkl.mkl_sparse_s_mm(
            self.NON_TRANSPOSE, ctypes.c_float(1), self.handle, self.description, self.ROW_MAJOR,
            ctypes.c_void_p(self.x.ctypes.data), self.n, self.n,
            ctypes.c_float(0), ctypes.c_void_p(self.y.ctypes.data), self.n))

    def output(self):
        return self.y

    def __del__(self):
        if hasattr(self, 'handle'):
            self.mkl.mkl_sparse_destroy(self.handle)

class TorchAttention:
    @staticmethod
    def version():
        import numpy, torch
        if not hasattr(torch.nn.functional, 'scaled_dot_product_attention'):
            raise RuntimeError(f'PyTorch {torch.__version__} has no scaled_dot_product_attention: 2.0 has')
        return torch.__version__

    def __init__(self, p):
        import torch
        self.attend = torch.nn.functional.scaled_dot_product_attention
        self.group = p.heads // p.keyHeads
        self.mask = torch.from_numpy(p.mask).reshape(p.tokens, p.keys).bool() if hasattr(p, 'mask') else None
        self.causal = p.causal and self.mask is None

    def set_input(self, q, k, v):
        import torch
        self.q = torch.from_numpy(q)[None]
        # It wants as many key heads as heads: repeated here, where no time is taken.
        self.k, self.v = (torch.from_numpy(part).repeat_interleave(self.group, 0)[None] for part in (k, v))
        self.y = None

    def use_threads(self, count):
        import torch
        torch.set_num_threads(count)

    def run(self):
        self.y = self.attend(self.q, self.k, self.v, attn_mask=self.mask, is_causal=self.causal)

    def output(self):
        return self.y.numpy()

class TorchEncoder:
    version = TorchAttention.version

    def __init__(self, p):
        import torch
        self.p = p
        self.tensors = {name: torch.from_numpy(data) for name, data in vars(p).items() if '.' in name}

    def set_input(self, ids):
        import torch
        self.ids, self.y = torch.from_numpy(ids).long(), None

    def use_threads(self, count):
        import torch
        torch.set_num_threads(count)

    def linear(self, name, x):
        import torch
        return torch.nn.functional.linear(x, self.tensors[name + '.weight'], self.tensors[name + '.bias'])

    def norm(self, name, x):
        import torch
        weight, bias = self.tensors[name + '.weight'], self.tensors[name + '.bias']
        return torch.nn.functional.layer_norm(x, (self.p.width,), weight, bias, self.p.epsilon)

    def attend(self, at, x):
        import torch
        batch, tokens, width = x.shape
        heads = [
            self.linear(f'{at}.self.{name}', x).view(batch, tokens, self.p.heads, -1).transpose(1, 2)
            for name in ('query', 'key', 'value')
        ]
        mixed = torch.nn.functional.scaled_dot_product_attention(*heads)
        return self.linear(f'{at}.output.dense', mixed.transpose(1, 2).reshape(batch, tokens, width))

    def run(self):
        import torch
        functional, table = torch.nn.functional, lambda name: self.tensors[f'embeddings.{name}_embeddings.weight']
        with torch.inference_mode():
            x = table('word')[self.ids] + table('position')[:self.ids.shape[1]] + table('token_type')[0]
            x = self.norm('embeddings.LayerNorm', x)
            for index in range(self.p.layers):
                at = f'encoder.layer.{index}'
                x = self.norm(f'{at}.attention.output.LayerNorm', x + self.attend(f'{at}.attention', x))
                inner = functional.gelu(self.linear(f'{at}.intermediate.dense', x))
                x = self.norm(f'{at}.output.LayerNorm', x + self.linear(f'{at}.output.dense', inner))
            self.y = functional.normalize(x.mean(1), dim=1)

    def output(self):
        return self.y.numpy()

LIBRARIES = {
    'scipy-csr': Scipy, 'torch-dense': TorchDense, 'torch-csr': Torch, 'onemkl-csr': OneMkl,
    'torch-attention': TorchAttention, 'torch-encoder': TorchEncoder,
    'torch-dense-gradients': TorchDenseGradients, 'torch-sampled-gradients': TorchSampledGradients,
}
products = {}
broken = {}

def without_paths(text):
    # Reasons are published.
    for path in sorted(sys.path, key=len, reverse=True):
        if path:
            text = text.replace(path, '…')
    return text

def version_of(name):
    read = LIBRARIES[name].version
    # A package that failed to load once says something else the second time.
    if read not in broken:
        try:
            return read()
        except ModuleNotFoundError:
            raise
        except Exception as error:
            broken[read] = without_paths(str(error))[:200]
    raise RuntimeError(f'{name} cannot be loaded: {broken[read]}')

def answer(order):
    action = order['action']
    if action == 'version':
        return version_of(order['library'])
    key = order['key']
    if action == 'prepare':
        arrays = {name: take(file) for name, file in order['arrays'].items()}
        problem = SimpleNamespace(**order['problem'], **arrays)
        start = perf_counter_ns()
        products[key] = LIBRARIES[order['library']](problem)
        return perf_counter_ns() - start
    if action == 'dispose':
        del products[key]
        return None
    product = products[key]
    if action == 'input':
        product.set_input(*[take(file) for file in order['inputs']])
        return None
    product.use_threads(order['threads'])
    samples = []
    end = perf_counter_ns() + order['milliseconds'] * 1e6
    while not samples or perf_counter_ns() < end:
        start = perf_counter_ns()
        product.run()
        samples.append(max(1, perf_counter_ns() - start))
    product.output().astype('<f4').tofile(order['y'])
    return samples

for line in sys.stdin:
    try:
        reply = {'value': answer(json.loads(line))}
    except ModuleNotFoundError as error:
        reply = {'error': str(error), 'module': (error.name or '').split('.')[0]}
    except Exception as error:
        reply = {'error': str(error) or type(error).__name__}
    print(json.dumps(reply), flush=True)
`
