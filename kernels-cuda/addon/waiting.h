// What waits for a stream, as promises: the waiting is done in a thread of Node's pool.
#pragma once
#include "napi.h"

namespace addon {

/// synchronize(stream, device): resolves when everything enqueued so far is done, rejects with what went wrong meanwhile.
napi_value synchronize(napi_env env, napi_callback_info info);

/// read(address, bytes, stream, device): resolves with an ArrayBuffer of what the memory holds once the stream gets there.
napi_value read(napi_env env, napi_callback_info info);

}  // namespace addon
