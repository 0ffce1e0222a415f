/** What runs in Python: times are taken there, with its own clock, around one product at a time. */
export const SCRIPT = `
import json, sys, time

state = {}

def read(name, dtype):
    import numpy as np
    return np.fromfile(state['folder'] + '/' + name, dtype=dtype)

def sparse():
    import scipy.sparse as sp
    return sp.csr_matrix((read('values', 'float32'), read('indices', 'int32'), read('offsets', 'int32')), shape=(state['m'], state['k']))

def version(library):
    import numpy
    if library == 'scipy-csr':
        import scipy
        return scipy.__version__
    if library == 'onemkl-csr':
        import scipy, sparse_dot_mkl
        return sparse_dot_mkl.get_version_string() if hasattr(sparse_dot_mkl, 'get_version_string') else sparse_dot_mkl.__version__
    import torch
    return torch.__version__

def prepare(library, **shape):
    state.update(shape)
    begin = time.perf_counter_ns()
    if library == 'scipy-csr':
        w = sparse()
        state['product'] = lambda: w @ state['x']
    elif library == 'onemkl-csr':
        from sparse_dot_mkl import dot_product_mkl
        w = sparse()
        state['product'] = lambda: dot_product_mkl(w, state['x'])
    else:
        import torch
        torch.set_num_threads(shape['threads'])
        torch.set_grad_enabled(False)
        state['torch'] = torch
        if library == 'torch-dense':
            w = torch.from_numpy(read('dense', 'float32').reshape(state['m'], state['k']))
        else:
            w = torch.sparse_csr_tensor(torch.from_numpy(read('offsets', 'int32')), torch.from_numpy(read('indices', 'int32')), torch.from_numpy(read('values', 'float32')), size=(state['m'], state['k']))
        state['product'] = lambda: w @ state['x']
    return time.perf_counter_ns() - begin

def answer(request):
    what = request.pop('do')
    if what == 'version':
        return {'version': version(request['library'])}
    if what == 'prepare':
        return {'planning': prepare(**request)}
    if what == 'input':
        x = read('x', 'float32').reshape(state['k'], state['n'])
        state['x'] = state['torch'].from_numpy(x) if 'torch' in state else x
        return {}
    if what == 'run':
        y = state['product']()
        if 'torch' in state:
            y = y.numpy()
        import numpy as np
        np.ascontiguousarray(y, dtype='float32').tofile(state['folder'] + '/y')
        return {}
    if what == 'sample':
        samples = []
        end = time.perf_counter_ns() + request['milliseconds'] * 1e6
        while len(samples) < 2 or time.perf_counter_ns() < end:
            begin = time.perf_counter_ns()
            state['product']()
            samples.append(time.perf_counter_ns() - begin)
        return {'samples': samples}

for line in sys.stdin:
    try:
        result = answer(json.loads(line))
    except Exception as error:
        result = {'error': type(error).__name__ + ': ' + str(error)[:300]}
    sys.stdout.write(json.dumps(result) + chr(10))
    sys.stdout.flush()
`
